// What every widget stands in: theme, controls, words, exports, links, and the two ways to start it.
// It is written in front of each widget's own module, so that a page carries one script and asks for
// nothing. Names that begin with an underscore are the shell's own.

const _SVG = 'http://www.w3.org/2000/svg';

// An element; children are nodes or text, and text is never markup.
function make(tag, attributes = {}, ...children) {
  const svg = tag.startsWith('svg:');
  const node = svg ? document.createElementNS(_SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat());
  return node;
}

// A number as the book writes it: 0.912, 1.93, 25,000, 1.2e-07 (claims.written, digit for digit).
function written(value, digits = 3) {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size < -4 || size >= 9) {
    const [mantissa, power] = _exactly(value, (v) => v.toExponential(digits - 1)).split('e');
    return `${mantissa}e${power[0]}${power.slice(1).padStart(2, '0')}`;
  }
  const places = Math.max(0, digits - 1 - size);
  const [whole, part] = _exactly(value, (v) => v.toFixed(places), places).split('.');
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + (part ? '.' + part : '');
}

// Python rounds exact halves to even digits, JavaScript rounds them up.
function _exactly(value, format, places) {
  if (places === undefined || places > 20) return format(value);
  const scaled = Math.abs(value) * 10 ** places;
  const floor = Math.floor(scaled);
  // 2.185 is no half, though 100 times it is rounded to 218.5: a half has few binary digits.
  const half = scaled - floor === 0.5 && Number.isInteger(value * 2 ** (places + 1));
  if (!half || floor % 2) return format(value);
  return format(Math.sign(value) * (floor / 10 ** places));
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const bytesOf = (data) =>
  data instanceof Uint8Array ? data : new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);

// The words of the reader's language; `{name}` in them is replaced.
function speaker(words) {
  return (text, values = {}) =>
    (words?.[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

function hostTheme() {
  if (matchMedia('print').matches) return 'light';
  const page = document.documentElement, body = document.body;
  const said = page.dataset.theme || page.getAttribute('theme')
    || (body?.dataset.jpThemeLight && (body.dataset.jpThemeLight === 'true' ? 'light' : 'dark'))
    || (/\bvscode-(dark|high-contrast)\b/.test(body?.className) ? 'dark' : '')
    || (/\bvscode-light\b/.test(body?.className) ? 'light' : '');
  if (said === 'dark' || said === 'light') return said;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

const _CSS = `
:host { all: initial; display: block; }
.shell { --ink: #1f2629; --muted: #55616a; --paper: #fdfdfb; --panel: #f2f5f5; --line: #d3dadc;
  --edge: #7b878d; --accent: #1b6573; --warm: #9a4a08; --blue: #0072B2; --orange: #B34A00;
  --green: #00734f; --pink: #9c4d7e; color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, -apple-system,
  "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif; border: 1px solid var(--line); border-radius: 8px; padding: 12px;
  margin: 4px 0; box-sizing: border-box; max-width: 100%; overflow-wrap: anywhere; }
.shell[data-theme=dark] { --ink: #dde3e5; --muted: #a3aeb4; --paper: #14191b; --panel: #1d2427;
  --line: #3a454a; --edge: #8a979d; --accent: #74c5d3; --warm: #f0ae68; --blue: #56B4E9;
  --orange: #E69F00; --green: #3fc79a; --pink: #e0a0c4; }
.shell *, .shell *::before { box-sizing: border-box; }
.title { font-weight: 600; margin: 0 0 8px; }
.controls { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: end; margin: 0 0 10px; }
.controls:empty { display: none; }
label { display: inline-flex; flex-direction: column; gap: 2px; font-size: 13px; color: var(--muted); max-width: 100%; }
label.beside { flex-direction: row; align-items: center; gap: 6px; }
.value { color: var(--ink); font-variant-numeric: tabular-nums; }
button, select, input, textarea { font: inherit; color: var(--ink); background: var(--panel);
  border: 1px solid var(--edge); border-radius: 5px; padding: 3px 8px; min-height: 30px; max-width: 100%; }
input[type=range] { padding: 0; width: 150px; accent-color: var(--accent); border: 0; background: none; }
input[type=checkbox] { min-height: 0; width: 18px; height: 18px; accent-color: var(--accent); }
textarea { width: 100%; resize: vertical; }
button { cursor: pointer; } button:disabled { color: var(--muted); cursor: default; }
button[aria-pressed=true] { background: var(--accent); color: var(--paper); border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.body { position: relative; max-width: 100%; }
.scroll { overflow-x: auto; max-width: 100%; }
.body svg { display: block; max-width: 100%; height: auto; }
.sentence { margin: 10px 0 0; }
.foot { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; margin-top: 10px; font-size: 13px; }
.foot details { flex-basis: 100%; min-width: 0; }
.foot input { flex: 1 1 240px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding: 4px 0; }
th, td { border: 1px solid var(--line); padding: 2px 7px; text-align: left; font-weight: 400; }
thead th { background: var(--panel); font-weight: 600; }
.scroll td, .scroll thead th { overflow-wrap: normal; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; fill: var(--ink); }
bdi, .token { unicode-bidi: isolate; }
@media (prefers-reduced-motion: no-preference) { button { transition: background 0.12s; } }
@media (forced-colors: active) { .shell { --ink: CanvasText; --muted: CanvasText; --paper: Canvas;
  --panel: Canvas; --line: CanvasText; --edge: CanvasText; --accent: Highlight; --warm: CanvasText; }
  canvas { forced-color-adjust: none; } }
@media print { .controls, .foot > :not(details[open]) { display: none; } .shell { border-color: #999; break-inside: avoid; } }
`;

// The frame of one widget. Returns what a widget needs: places to put things and ways to speak.
//   body, controls   elements to fill
//   t(text, values)  the text in the reader's language
//   sentence(text)   the sentence under the widget; say(text) speaks to a screen reader only
//   table(head, rows, caption)  the numbers, as a real table behind "Numbers"
//   exports([[label, file name, () => string | Blob | Promise], …])  a button each
//   link(read, apply)  a button that copies a link to this view; apply is called with the state of a
//                    link that was followed (an object of strings), before the first drawing
//   themed(draw)     call draw now and whenever the host's theme changes
//   listen(target, event, act), later(act)  undone by dispose
function shell({ model, el, css = '' }) {
  const record = model.get('record'), undo = [];
  const t = speaker(model.get('words'));
  const holder = make('div');
  const shadow = holder.attachShadow({ mode: 'open' });
  const title = make('p', { class: 'title' }, model.get('title'));
  const controls = make('div', { class: 'controls' });
  const body = make('div', { class: 'body' });
  const sentence = make('p', { class: 'sentence' });
  const status = make('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const foot = make('div', { class: 'foot' });
  const frame = make('section', { class: 'shell', role: 'group', 'aria-label': model.get('title'),
    lang: model.get('lang') || 'en' }, title, controls, body, sentence, status, foot);
  shadow.append(make('style', {}, _CSS + css), frame);
  el.append(holder);

  const listen = (target, event, act, options) => {
    target.addEventListener(event, act, options);
    undo.push(() => target.removeEventListener(event, act, options));
  };
  const onModel = (event, act) => { model.on(event, act); undo.push(() => model.off?.(event, act)); };
  const drawings = [];
  const themeChanged = () => {
    const theme = hostTheme();
    if (frame.dataset.theme === theme) return;
    frame.dataset.theme = theme;
    for (const draw of drawings) draw(theme);
  };
  const watcher = new MutationObserver(themeChanged);
  for (const node of [document.documentElement, document.body].filter(Boolean))
    watcher.observe(node, { attributes: true, attributeFilter: ['data-theme', 'theme', 'data-jp-theme-light', 'class'] });
  undo.push(() => watcher.disconnect());
  for (const media of ['(prefers-color-scheme: dark)', 'print']) listen(matchMedia(media), 'change', themeChanged);
  listen(matchMedia('(forced-colors: active)'), 'change', () => drawings.forEach((d) => d(frame.dataset.theme)));
  // What is typed here is not for the notebook around it.
  for (const kind of ['keydown', 'keyup', 'keypress', 'wheel', 'paste', 'copy', 'cut'])
    listen(frame, kind, (event) => event.stopPropagation(), { passive: true });
  frame.dataset.theme = hostTheme();

  let details = null;
  const ui = {
    record, t, controls, body, foot, frame, listen, onModel, shadow,
    later: (act) => undo.push(act),
    sentence: (text) => { sentence.textContent = text; },
    say: (text) => { status.textContent = text; },
    theme: () => frame.dataset.theme,
    colour: (name) => getComputedStyle(frame).getPropertyValue('--' + name).trim(),
    themed: (draw) => { drawings.push(draw); draw(frame.dataset.theme); },
    table(head, rows, caption = t('Numbers')) {
      const open = details?.open;
      details?.remove();
      details = make('details', {}, make('summary', {}, t('Numbers')),
        make('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${model.get('title')}: ${caption}` }, table(head, rows, caption)));
      details.open = Boolean(open);
      foot.append(details);
    },
    exports(list) {
      for (const [label, name, what] of list)
        foot.append(make('button', { type: 'button', onclick: async () => {
          download(name, await what());
          ui.say(t('{name} saved', { name }));
        } }, label));
    },
    link(read, apply) {
      const key = model.get('key');
      const found = new URLSearchParams(location.hash.slice(1));
      if (key && found.get('w') === key) {
        found.delete('w');
        apply(Object.fromEntries(found));
        requestAnimationFrame(() => holder.scrollIntoView?.({ block: 'start' }));
      }
      if (!key) return;
      const shown = make('input', { readonly: true, hidden: true, 'aria-label': t('Link to this view') });
      foot.append(make('button', { type: 'button', onclick: async () => {
        const state = Object.entries(read()).filter(([, value]) => value != null && value !== '');
        const address = location.href.split('#')[0] + '#' + new URLSearchParams([['w', key], ...state]);
        shown.value = address;
        try {
          await navigator.clipboard.writeText(address);
          ui.say(t('Link copied'));
        } catch {
          shown.hidden = false;
          shown.select();
          ui.say(t('Copy the link from the field'));
        }
      } }, t('Link to this view')), shown);
    },
    dispose() { undo.splice(0).reverse().forEach((act) => act()); holder.remove(); },
  };
  return ui;
}

// Controls: each a native element inside its label.
function select(label, options, value, act) {
  const box = make('select', { onchange: () => act(box.value) },
    options.map(([key, name]) => make('option', { value: key, selected: String(key) === String(value) }, name)));
  return Object.assign(make('label', {}, label, box), { box });
}
function slider(label, { min, max, step, value }, act, show = written) {
  // Not an <output>: a label would name that instead of the slider.
  const said = make('span', { class: 'value' }, show(value));
  const box = make('input', { type: 'range', min, max, step, value, oninput: () => {
    said.textContent = show(+box.value);
    box.setAttribute('aria-valuetext', said.textContent);
    act(+box.value);
  } });
  box.setAttribute('aria-valuetext', said.textContent);
  const whole = make('label', {}, make('span', {}, label + ' ', said), box);
  whole.set = (next) => { box.value = next; said.textContent = show(+box.value); box.setAttribute('aria-valuetext', said.textContent); };
  return Object.assign(whole, { box });
}
function checkbox(label, value, act) {
  const box = make('input', { type: 'checkbox', checked: Boolean(value), onchange: () => act(box.checked) });
  return Object.assign(make('label', { class: 'beside' }, box, label), { box });
}
function button(label, act, more = {}) {
  return make('button', { type: 'button', onclick: act, ...more }, label);
}
function table(head, rows, caption) {
  return make('table', {}, make('caption', {}, caption),
    make('thead', {}, make('tr', {}, head.map((cell) => make('th', { scope: 'col' }, cell)))),
    make('tbody', {}, rows.map(([first, ...rest]) => make('tr', {}, make('th', { scope: 'row' }, make('bdi', {}, String(first))),
      rest.map((cell) => make('td', {}, make('bdi', {}, String(cell))))))));
}

// Where names can stand without covering one another: for each of `wanted` (x, y, width of the name)
// its left end and baseline, or null. The first come first; one that `must` be shown goes far if needed.
// None covers a box [left, top, width, height] that is `taken`.
function labelPlaces(wanted, width, height, { most = Infinity, gap = 7, taken = [] } = {}) {
  const high = 15, boxes = [...taken];
  const free = ([x, y, w]) => x >= 0 && y >= 0 && x + w <= width && y + high <= height
    && boxes.every(([a, b, c, d]) => x + w <= a || a + c <= x || y + high <= b || b + d <= y);
  return wanted.map(({ x, y, width: w, must }) => {
    if (boxes.length - taken.length >= most && !must) return null;
    const row = (dy) => [[x + gap, y - high / 2 + dy, w], [x - gap - w, y - high / 2 + dy, w]];
    const tries = [...row(0), [x - w / 2, y - gap - high, w], [x - w / 2, y + gap, w]];
    for (let far = 1; must && far < 30; far++) tries.push(...row(-high * far), ...row(high * far));
    const found = tries.findIndex(free);
    if (found < 0) return null;
    boxes.push([...tries[found], high]);
    return { x: tries[found][0], y: tries[found][1] + 11.5, far: found > 3 };
  });
}

// Files for the reader.
function download(name, content) {
  const blob = content instanceof Blob ? content : new Blob([content], { type: 'text/plain;charset=utf-8' });
  const address = URL.createObjectURL(blob);
  make('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
function csv(head, rows) {
  const cell = (value) => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return '\ufeff' + [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}
// An svg element of the shadow tree as a file of its own: colours written out.
function standalone(node, ui) {
  const copy = node.cloneNode(true), box = node.viewBox.baseVal;
  copy.setAttribute('xmlns', _SVG);
  copy.setAttribute('width', box.width);
  copy.setAttribute('height', box.height);
  const vars = ['ink', 'muted', 'paper', 'panel', 'line', 'edge', 'accent', 'warm', 'blue', 'orange', 'green', 'pink'];
  const style = make('svg:style', {}, 'text{font:12px system-ui,sans-serif;fill:var(--ink)}');
  const paper = make('svg:rect', { x: box.x, y: box.y, width: box.width, height: box.height, fill: 'var(--paper)' });
  copy.prepend(style, paper);
  return new XMLSerializer().serializeToString(copy).replace(/var\(--(\w+)\)/g,
    (all, name) => (vars.includes(name) ? ui.colour(name) : all));
}
async function picture(text, scale = 2) {
  const image = new Image();
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
  await image.decode();
  const canvas = make('canvas', { width: image.width * scale, height: image.height * scale });
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, 'image/png'));
}

// A model as anywidget has it, for a page without a kernel: what is set is kept and told on.
function _still_model(values) {
  const heard = {};
  return {
    get: (name) => values[name],
    set(name, value) { values[name] = value; for (const act of heard['change:' + name] ?? []) act(); },
    on(event, act) { (heard[event] ??= []).push(act); },
    off(event, act) { heard[event] = (heard[event] ?? []).filter((one) => one !== act); },
    save_changes() {},
  };
}

async function _unpack(text) {
  // A loop: Uint8Array.from walks a megabyte ten times as slowly.
  const letters = atob(text), packed = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const end = raw.indexOf(0);
  return { ...JSON.parse(new TextDecoder().decode(raw.subarray(0, end))), blob: raw.subarray(end + 1) };
}

// Start a widget in a page: draw from the data beside the script, then put the picture away. Where a
// kernel has a model for the same key, draw from that.
async function _mount(root, widget) {
  const picture = root.querySelector('.llm-book-still'), place = root.querySelector('.llm-book-live');
  const links = (globalThis.llmBook ??= { models: {}, roots: {} });
  const key = root.dataset.key;
  let stop = null;
  const draw = (model) => {
    stop?.();
    place.replaceChildren();
    stop = widget.render({ model, el: place });
    picture.hidden = true;
    root.dataset.alive = model.get('live') ? 'live' : 'alone';
  };
  (links.roots[key] ??= new Set()).add(draw);
  const values = await _unpack(root.dataset.measured);
  if (links.models[key]) draw(links.models[key]);
  else if (!root.dataset.alive) draw(_still_model({ ...values, key }));
}

// With a kernel: the model finds the pages' roots of its key, whichever of the two comes first.
function _connect(model) {
  const links = (globalThis.llmBook ??= { models: {}, roots: {} });
  links.models[model.get('key')] = model;
  for (const draw of links.roots[model.get('key')] ?? []) draw(model);
}
