// Words as points: a map of two directions, neighbours and analogies in the full space.

const NEAREST = 10, ROWS = 20, MOST_LABELS = 60, LONGEST = 24, RIM = 26;
const COLOURS = ['blue', 'orange', 'green', 'pink', 'warm', 'accent', 'ink', 'muted'];
// Corners of each group's mark, as in word_map_picture.py; a circle has none.
const MARKS = [[], [-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9], [0, -1.2, 1.1, 0.9, -1.1, 0.9],
  [0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0], [-1.1, -0.9, 1.1, -0.9, 0, 1.2],
  [-1.2, -0.4, -0.4, -0.4, -0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4, 1.2, 0.4, 0.4, 0.4, 0.4, 1.2, -0.4, 1.2, -0.4, 0.4, -1.2, 0.4],
  [-1.2, -0.5, 1.2, -0.5, 1.2, 0.5, -1.2, 0.5], [-1.2, -1, 1.2, -1, -1.2, 1, 1.2, 1]];

// The record with its directions as rows of length 1.
function read(record, blob) {
  const bytes = bytesOf(blob).slice(), { width } = record;
  const unit = Float64Array.from(record.bits === 32 ? new Float32Array(bytes.buffer) : new Int8Array(bytes.buffer));
  for (let start = 0; start < unit.length; start += width) {
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += unit[i] * unit[i];
    const length = Math.sqrt(sum);
    for (let i = start; i < start + width; i++) unit[i] /= length;
  }
  const at = record.positions;
  return { ...record, unit, points: record.words.map((_, i) => [at[2 * i], at[2 * i + 1]]) };
}
const rowOf = ({ unit, width }, i) => unit.subarray(i * width, (i + 1) * width);
function cosines({ words, unit, width }, target) {
  const length = Math.sqrt(target.reduce((sum, value) => sum + value * value, 0)) || 1;
  return words.map((_, row) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += unit[row * width + i] * target[i];
    return sum / length;
  });
}
// Equal cosines, to 9 digits, stand in the order of the words.
function best(found, without, n) {
  const rounded = found.map((value) => Math.round(value * 1e9));
  return found.map((_, i) => i).filter((i) => !without.includes(i))
    .sort((i, j) => rounded[j] - rounded[i] || i - j).slice(0, n).map((i) => [i, found[i]]);
}
const nearest = (map, i, n) => best(cosines(map, rowOf(map, i)), [i], n);
function answers(map, analogy, allow, n = 1) {
  const [a, b, c] = analogy.map((i) => rowOf(map, i));
  return best(cosines(map, a.map((value, i) => b[i] - value + c[i])), allow ? [] : analogy, n);
}
// The point nearest to one in a direction: right, left, up or down, 45° to either side.
function toward(points, from, [right, up]) {
  let found = from, least = Infinity;
  points.forEach(([x, y], i) => {
    const dx = x - points[from][0], dy = y - points[from][1];
    const along = dx * right + dy * up, across = Math.abs(dx * up) + Math.abs(dy * right);
    if (along > 0 && across <= along && along + across < least) [found, least] = [i, along + across];
  });
  return found;
}

function sentence(map, chosen, analogy, t) {
  const { words, explained } = map, said = [], count = words.length.toLocaleString('en-US');
  if (chosen < 0) said.push(t('{count} words are on the map.', { count }));
  else {
    const values = { word: words[chosen], count }, near = nearest(map, chosen, 3);
    near.forEach(([row, cosine], i) => Object.assign(values, { ['w' + i]: words[row], ['c' + i]: written(cosine) }));
    said.push(near.length === 3
      ? t('Of {count} words, nearest to “{word}” are “{w0}” (cosine {c0}), “{w1}” ({c1}) and “{w2}” ({c2}).', values)
      : t('Of {count} words, nearest to “{word}” is “{w0}” (cosine {c0}).', values));
  }
  const share = written(100 * (explained ?? 0));
  if (explained === null) said.push(t('The places on the map were given; neighbours are computed in the full space.'));
  else if (explained < 0.9) said.push(t('Two directions hold {share} % of the variance, so distances on the map mislead; neighbours are computed in the full space.', { share }));
  else said.push(t('Two directions hold {share} % of the variance; neighbours are computed in the full space.', { share }));
  if (analogy) {
    const [[found, cosine]] = answers(map, analogy, false), [[own]] = answers(map, analogy, true);
    const [a, b, c] = analogy.map((i) => words[i]);
    said.push(t('“{a}” is to “{b}” as “{c}” is to “{found}” ({cosine}); where these three may answer too, the answer is “{own}”.',
      { a, b, c, found: words[found], cosine: written(cosine), own: words[own] }));
  }
  if (map.left_out) said.push(t('{count} words are left out.', { count: map.left_out.toLocaleString('en-US') }));
  if (map.tolerance !== null) said.push(t('A cosine is off by at most {bound}.', { bound: written(map.tolerance, 1) }));
  return said.join(' ');
}

const mark = (group, x, y, r) => {
  const corners = MARKS[group] ?? [];
  if (!corners.length) return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
  let path = '';
  for (let i = 0; i < corners.length; i += 2) path += (i ? 'L' : 'M') + (x + r * corners[i]) + ' ' + (y + r * corners[i + 1]);
  return path + 'z';
};
const short = (word) => (word.length > LONGEST ? word.slice(0, LONGEST - 1) + '…' : word);

const _STYLE = `.both { display: flex; flex-wrap: wrap; gap: 10px; align-items: flex-start; }
.map { flex: 3 1 400px; min-width: 0; border: 1px solid var(--line); border-radius: 4px; overflow: hidden; cursor: grab; touch-action: pan-y; }
.map.zoomed { touch-action: none; }
.near { flex: 1 1 180px; margin: 0; padding: 0; list-style: none; font-size: 13px; }
.near li { margin: 0 0 3px; } .near button { display: flex; justify-content: space-between; gap: 8px; width: 100%; text-align: left;
border-color: var(--line); min-height: 26px; padding: 1px 8px; }
.near span { font-variant-numeric: tabular-nums; color: var(--muted); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 13px; margin: 0 0 6px; } .legend span { display: inline-flex; gap: 5px; align-items: center; }
.ask { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: end; margin: 10px 0 0; } .ask[hidden], .ask > [hidden] { display: none; }
.ask input:not([type]) { width: 118px; } .answer { margin: 6px 0 0; min-height: 1.5em; }`;
const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const ends = ([x1, y1], [x2, y2]) => ({ x1, y1, x2, y2 });
function arrow(from, to, more) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]], length = Math.hypot(dx, dy);
  if (length < 1) return [];
  const [ux, uy] = [dx / length, dy / length], wing = (side) => `${to[0] - 9 * ux + side * 4 * uy} ${to[1] - 9 * uy - side * 4 * ux}`;
  const drawn = { fill: 'none', stroke: 'var(--orange)', 'stroke-width': 2 };
  return [make('svg:line', { ...ends(from, to), ...drawn, ...more }), make('svg:path', { d: `M${wing(-1)}L${to[0]} ${to[1]}L${wing(1)}`, ...drawn })];
}

export default {
  read, nearest, answers, toward, sentence, labelPlaces,
  render({ model, el }) {
    const ui = shell({ model, el, css: _STYLE });
    const { t } = ui;
    let map, chosen, at, over, analogy, allow, view, beside, found;
    const pen = make('canvas').getContext('2d'), wide = new Map(), fingers = new Map();
    pen.font = '12px system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
    const widthOf = (name) => {
      if (!wide.has(name)) wide.set(name, pen.measureText(name).width + 3);
      return wide.get(name);
    };

    const options = make('datalist', { id: 'words' }), note = make('p', { class: 'answer' });
    const box = (label, act) => {
      const field = make('input', { list: 'words', autocomplete: 'off', spellcheck: 'false', onchange: act });
      return Object.assign(make('label', {}, label, field), { field });
    };
    const search = box(t('word'), () => { const row = find(search.field.value); if (row >= 0) choose(row); });
    const asked = [t('word a'), t('is to word b'), t('as word c')].map((label) => box(label, ask));
    const allowed = checkbox(t('these three may answer'), false, (on) => { allow = on; settle(); });
    const given = select(t('Analogies'), [], '', (i) => { analogy = map.analogies[i] ?? null; settle(); });
    const form = make('div', { class: 'ask', role: 'group', 'aria-label': t('Analogy') }, given, ...asked, allowed);
    const drawing = make('svg:svg', { 'aria-hidden': 'true' });
    const field = make('div', { class: 'map', tabindex: 0, role: 'application',
      'aria-label': t('Map of words: arrow keys go to the nearest word that way, Enter chooses it, plus and minus zoom, Escape clears') }, drawing);
    const near = make('ol', { class: 'near', 'aria-label': t('Nearest words') });
    const legend = make('div', { class: 'legend' });
    ui.controls.append(search, button('+', () => zoom(1.5), { 'aria-label': t('Zoom in') }),
      button('−', () => zoom(1 / 1.5), { 'aria-label': t('Zoom out') }), button(t('Whole map'), () => { home(); draw(); }));
    ui.body.append(options, legend, make('div', { class: 'both' }, field, near), form, note);

    function find(text) {
      const row = map.words.indexOf(text), found = row >= 0 ? row : map.words.findIndex((word) => word.toLowerCase() === text.toLowerCase());
      if (found < 0 && text) {
        note.textContent = t('“{word}” is not among the words.', { word: text });
        ui.say(note.textContent);
      }
      return found;
    }
    const state = () => ({ word: map.words[chosen] ?? '', ...Object.fromEntries((analogy ?? []).map((row, i) => ['abc'[i], map.words[row]])), allow: allow ? 1 : '' });
    // After a choice: what follows from it is computed once, said, drawn and told.
    function settle(told = true) {
      beside = chosen < 0 ? [] : nearest(map, chosen, ROWS);
      found = analogy && answers(map, analogy, allow, 3);
      write();
      draw();
      if (!told) return;
      ui.say(sentence(map, chosen, analogy, t));
      model.set('state', state());
      model.save_changes();
    }
    function choose(row) {
      chosen = at = row;
      if (row >= 0) reveal(row);
      settle();
    }
    function ask() {
      const texts = asked.map((one) => one.field.value), rows = texts.every(Boolean) ? texts.map(find) : [];
      if (texts.some(Boolean) && (!rows.length || rows.some((row) => row < 0))) return;
      analogy = rows.length ? rows : null;
      settle();
    }

    function home() {
      const spans = [0, 1].map((i) => map.points.map((point) => point[i])).map((all) => [Math.min(...all), Math.max(...all)]);
      const [x, y] = spans.map(([low, high]) => (low + high) / 2), [across, high] = spans.map(([low, top]) => top - low);
      view = { x, y, across, high, zoom: 1 };
    }
    // The drawing's size and the map from the plane to it: both directions have one scale.
    function frame() {
      const width = clamp(Math.round(field.clientWidth || 560), 200, 1200), height = clamp(Math.round(width * 0.68), 250, 540);
      const fits = [(width - 2 * RIM) / view.across, (height - 2 * RIM) / view.high].filter(Number.isFinite);
      const k = (fits.length ? Math.min(...fits) : 1) * view.zoom;
      return { width, height, k, place: ([x, y]) => [width / 2 + (x - view.x) * k, height / 2 - (y - view.y) * k],
        holds: ([x, y]) => x >= 0 && y >= 0 && x <= width && y <= height };
    }
    function reveal(row) {
      const { place, holds } = frame();
      if (!holds(place(map.points[row]))) [view.x, view.y] = map.points[row];
    }
    // What is at `spot` stays there.
    function zoom(by, spot) {
      const { width, height, k, place, holds } = frame(), own = chosen >= 0 && place(map.points[chosen]);
      const [x, y] = spot ?? (own && holds(own) ? own : [width / 2, height / 2]), next = clamp(view.zoom * by, 0.5, 200);
      const shift = (1 - view.zoom / next) / k;
      view = { ...view, zoom: next, x: view.x + (x - width / 2) * shift, y: view.y - (y - height / 2) * shift };
      draw();
    }
    function pan(dx, dy) {
      const { k } = frame();
      view.x -= dx / k;
      view.y += dy / k;
      soon();
    }
    const spotOf = ({ clientX, clientY }) => { const edge = drawing.getBoundingClientRect(); return [clientX - edge.left, clientY - edge.top]; };
    function under(event, reach) {
      const { place } = frame(), [x, y] = spotOf(event);
      let found = -1, least = reach;
      map.points.forEach((point, i) => {
        const [px, py] = place(point), away = Math.hypot(px - x, py - y);
        if (away < least) [found, least] = [i, away];
      });
      return found;
    }
    let due = 0;
    const soon = () => { due ||= requestAnimationFrame(() => { due = 0; draw(); }); };
    ui.later(() => cancelAnimationFrame(due));

    function draw() {
      const { width, height, place, holds } = frame(), { words, points, group_of: of } = map;
      const spots = points.map(place), radius = words.length > 300 ? 2.5 : 4, paths = {}, tenth = (value) => Math.round(value * 10) / 10;
      spots.forEach(([x, y], i) => {
        if (x > -9 && y > -9 && x < width + 9 && y < height + 9) paths[of[i]] = (paths[of[i]] ?? '') + mark(of[i], tenth(x), tenth(y), radius);
      });
      const close = beside.slice(0, NEAREST), parts = close.map(([row]) => make('svg:line', { ...ends(spots[chosen], spots[row]), stroke: 'var(--edge)' }));
      for (const [group, d] of Object.entries(paths)) parts.push(make('svg:path', { d, fill: `var(--${COLOURS[group] ?? 'muted'})` }));
      if (analogy) parts.push(...arrows(spots, found[0][0]));
      const ring = (row, r, more) => parts.push(make('svg:circle', { cx: spots[row][0], cy: spots[row][1], r, fill: 'none', stroke: 'var(--ink)', 'stroke-width': 2, ...more }));
      if (chosen >= 0) ring(chosen, radius + 3);
      if (at >= 0 && ui.shadow.activeElement === field) ring(at, radius + 6, { 'stroke-dasharray': '3 2' });
      const first = [chosen, over, ui.shadow.activeElement === field ? at : -1, ...(analogy ?? []), ...(found ?? []).slice(0, 1).map(([row]) => row), ...close.map(([row]) => row)];
      parts.push(...names(spots, first.filter((row) => row >= 0 && holds(spots[row])), width, height, holds));
      for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) drawing.setAttribute(name, value);
      drawing.replaceChildren(...parts);
      field.classList.toggle('zoomed', view.zoom > 1);
    }
    function arrows(spots, found) {
      const [a, b, c] = analogy.map((row) => spots[row]), parts = [...arrow(a, b), ...arrow(c, spots[found])];
      // Only a linear map has a place for b − a + c.
      if (map.explained === null) return parts;
      const [x, y] = [b[0] - a[0] + c[0], b[1] - a[1] + c[1]];
      return [...parts, ...arrow(c, [x, y], { 'stroke-dasharray': '4 3' }), make('svg:path', { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, stroke: 'var(--ink)', 'stroke-width': 2 })];
    }
    function names(spots, first, width, height, holds) {
      const rows = [...new Set([...first, ...[...spots.keys()].filter((row) => holds(spots[row])).slice(0, 300)])], must = new Set(first);
      const said = rows.map((row) => short(map.words[row]));
      const wanted = rows.map((row, i) => ({ x: spots[row][0], y: spots[row][1], width: widthOf(said[i]), must: must.has(row) }));
      const taken = first.map((row) => [spots[row][0] - 4, spots[row][1] - 4, 8, 8]);
      return labelPlaces(wanted, width, height, { most: MOST_LABELS, taken }).flatMap((spot, i) => {
        if (!spot) return [];
        const text = make('svg:text', { x: spot.x, y: spot.y, stroke: 'var(--paper)', 'stroke-width': 3, 'paint-order': 'stroke', 'font-weight': rows[i] === chosen ? 700 : null }, said[i]);
        const end = [spot.x + (spot.x < wanted[i].x ? wanted[i].width : 0), spot.y - 4];
        return spot.far ? [make('svg:line', { ...ends(spots[rows[i]], end), stroke: 'var(--edge)' }), text] : [text];
      });
    }
    function write() {
      const word = map.words[chosen] ?? '', cell = ([row, cosine]) => [map.words[row], written(cosine)];
      search.field.value = word;
      asked.forEach((one, i) => { one.field.value = analogy ? map.words[analogy[i]] : ''; });
      given.box.value = analogy ? map.analogies.findIndex((one) => String(one) === String(analogy)) : -1;
      near.replaceChildren(...beside.slice(0, NEAREST).map(([row, cosine]) => make('li', {}, make('button', { type: 'button', onclick: () => { choose(row); near.querySelector('button').focus(); } },
        make('bdi', {}, map.words[row]), make('span', {}, written(cosine))))));
      ui.table([t('word'), t('cosine')], beside.map(cell), t('nearest to “{word}”', { word }));
      ui.sentence(sentence(map, chosen, analogy, t));
      note.replaceChildren();
      if (found) note.append(t('nearest to b − a + c:') + ' ', ...found.flatMap(([row, cosine], i) => [i ? ' · ' : '', make(i ? 'bdi' : 'b', {}, map.words[row]), ` (${written(cosine)})`]));
    }

    field.addEventListener('keydown', (event) => {
      const { key } = event;
      if (key in KEYS) {
        at = at < 0 ? 0 : toward(map.points, at, KEYS[key]);
        reveal(at);
        ui.say([map.words[at], map.groups[map.group_of[at]]].filter(Boolean).join(', '));
        draw();
      } else if (key === 'Enter' || key === ' ') choose(at);
      else if (key === '+' || key === '=') zoom(1.5);
      else if (key === '-') zoom(1 / 1.5);
      else if (key === '0') { home(); draw(); }
      else if (key === 'Escape') { analogy = null; home(); choose(-1); }
      else return;
      event.preventDefault();
    });
    for (const event of ['focus', 'blur']) field.addEventListener(event, draw);
    field.addEventListener('wheel', (event) => {
      // A page that is scrolled over the map goes on scrolling.
      if (!event.ctrlKey && !event.metaKey && ui.shadow.activeElement !== field) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), spotOf(event));
    }, { passive: false });
    field.addEventListener('pointerdown', (event) => { fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, moved: 0 }); });
    field.addEventListener('pointermove', (event) => {
      const one = fingers.get(event.pointerId), here = { x: event.clientX, y: event.clientY };
      if (!one) {
        const found = under(event, 14);
        if (found !== over) { over = found; soon(); }
        return;
      }
      one.moved += Math.hypot(here.x - one.x, here.y - one.y);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1], [dx, dy] = [here.x - one.x, here.y - one.y];
      if (other) zoom(Math.hypot(here.x - other.x, here.y - other.y) / (Math.hypot(one.x - other.x, one.y - other.y) || 1), spotOf({ clientX: other.x, clientY: other.y }));
      else if (one.moved > 4) { field.setPointerCapture(event.pointerId); pan(dx, dy); }
      Object.assign(one, here);
    });
    const lift = (event) => {
      const one = fingers.get(event.pointerId);
      fingers.delete(event.pointerId);
      const found = event.type === 'pointerup' && one?.moved <= 4 ? under(event, 24) : -1;
      if (found >= 0) choose(found);
    };
    for (const event of ['pointerup', 'pointercancel']) field.addEventListener(event, lift);
    field.addEventListener('pointerleave', () => { if (over >= 0) { over = -1; soon(); } });
    const sizes = new ResizeObserver(soon);
    ui.later(() => sizes.disconnect());

    function start() {
      map = read(model.get('record'), model.get('blob'));
      [chosen, at, over, analogy, allow] = [0, 0, -1, map.analogies[0] ?? null, false];
      allowed.box.checked = false;
      form.hidden = map.words.length < 4;
      given.hidden = map.analogies.length < 2;
      given.box.replaceChildren(make('option', { value: -1 }, '–'), ...map.analogies.map(([a, b, c], i) => make('option', { value: i }, `${map.words[a]} : ${map.words[b]} = ${map.words[c]} : ?`)));
      options.replaceChildren(...map.words.map((word) => make('option', { value: word })));
      legend.replaceChildren(...map.groups.map((name, i) => make('span', {}, make('svg:svg', { viewBox: '0 0 14 14', width: 14, height: 14, 'aria-hidden': 'true' },
        make('svg:path', { d: mark(i, 7, 7, 5), fill: `var(--${COLOURS[i]})` })), make('bdi', {}, name))));
      home();
    }
    start();
    ui.link(state, ({ word, a, b, c, allow: on }) => {
      const rows = [a, b, c].map((one) => map.words.indexOf(one));
      chosen = at = map.words.indexOf(word);
      analogy = rows.every((row) => row >= 0) && !form.hidden ? rows : null;
      allow = allowed.box.checked = on === '1';
    });
    ui.exports([
      ['SVG', 'word_map.svg', () => standalone(drawing, ui)],
      ['PNG', 'word_map.png', () => picture(standalone(drawing, ui))],
      ['CSV', 'word_map.csv', () => {
        const found = chosen < 0 ? [] : cosines(map, rowOf(map, chosen));
        return csv([t('word'), 'x', 'y', t('group'), t('cosine')], map.words.map((word, i) => [word, ...map.points[i], map.groups[map.group_of[i]] ?? '', found[i] ?? '']));
      }],
    ]);
    ui.onModel('change:record', () => { start(); settle(false); });
    settle(false);
    sizes.observe(field);
    return ui.dispose;
  },
};
