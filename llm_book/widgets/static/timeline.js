// Language models through time: how large they are, and what their makers disclosed.

const QUIET_YEAR = 0.3, LEFT = 66, RIGHT = 10, STRIP = 52, ROW = 13, MOST_NAMES = 30;

// 175 B, 1.4 T.
function compact(count) {
  const power = [12, 9, 6, 3].find((one) => count >= 10 ** one) ?? 0, digits = written(count / 10 ** power);
  return ((digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits) + ' ' + { 12: 'T', 9: 'B', 6: 'M', 3: 'K', 0: '' }[power]).trim();
}
// Where on the axis of time, 0 to 1, each date stands and each year begins; the more models, the wider a year.
function shares(dates) {
  const years = dates.map((date) => +date.slice(0, 4)), begins = new Map(), [first, last] = [Math.min(...years), Math.max(...years)];
  let at = 0;
  for (let year = first; year <= last + 1; year++) {
    begins.set(year, at);
    at += QUIET_YEAR + Math.sqrt(years.filter((one) => one === year).length);
  }
  const whole = begins.get(last + 1);
  const places = dates.map((date, i) => {
    const day = date.length > 7 ? (date.slice(8) - 0.5) / 31 : 0.5, from = begins.get(years[i]);
    return (from + (begins.get(years[i] + 1) - from) * ((date.slice(5, 7) - 1 + day) / 12)) / whole;
  });
  return [places, [...begins].map(([year, start]) => [year, start / whole])];
}
const value = (cell) => cell?.[0] ?? null;
function chosenOf(models, { kind = '', weights = '' }) {
  return models.filter((model) => (!kind || (value(model.kind) ?? 'unknown') === kind) && (!weights || (value(model.weights) ?? 'unknown') === weights));
}
function sentence(models, t) {
  if (!models.length) return t('No model is of this kind; choose another.');
  const disclosed = (key) => models.filter((model) => model[key]?.[1] === 'disclosed').length;
  return t('{count} models from {first} to {last}; {parameters} disclose their parameters, {tokens} their training tokens, and {open} offer their weights.', {
    count: models.length, first: models[0].date[0].slice(0, 4), last: models.at(-1).date[0].slice(0, 4),
    parameters: disclosed('parameters'), tokens: disclosed('tokens'), open: models.filter((model) => value(model.weights) === 'open').length,
  });
}
// The words that a cell's value and status can be, for those who translate them.
const terms = (t) => [t('word vectors'), t('recurrent'), t('encoder'), t('encoder–decoder'), t('decoder'), t('mixture of experts'), t('instruction-tuned'), t('reasoning'),
  t('open'), t('closed'), t('unknown'), t('disclosed'), t('estimated')];
function said(cell, t) {
  if (!cell) return t('unknown');
  if (typeof cell[0] === 'string') return t(cell[0]);
  const text = compact(cell[0]);
  return (cell[1] === 'estimated' ? '≈ ' : '') + (cell[3] === 'words' ? t('{number} words', { number: text }) : text);
}

const _STYLE = `.chart { cursor: pointer; border-radius: 4px; } .facts { margin: 8px 0 0; max-width: 100%; } .facts caption { color: var(--ink); font-weight: 600; }
.facts th, .facts td { overflow-wrap: normal; word-break: keep-all; } .facts td:nth-child(2) { white-space: nowrap; } .facts td:last-child { overflow-wrap: anywhere; word-break: normal; } .legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 13px; color: var(--muted); margin: 4px 0 0; }
.legend span { display: inline-flex; gap: 5px; align-items: center; } a { color: var(--accent); }`;

export default {
  compact, shares, chosenOf, sentence, said, terms,
  render({ model, el }) {
    const ui = shell({ model, el, css: _STYLE });
    const { t } = ui;
    let models, shown, sources, kind, weights, name, over, spots = [];
    const pen = make('canvas').getContext('2d');
    pen.font = '12px system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
    const kinds = select(t('kind'), [], '', (one) => { kind = one; settle(); });
    const offers = select(t('weights'), [], '', (one) => { weights = one; settle(); });
    const list = select(t('model'), [], '', (one) => { name = one; settle(); });
    const drawing = make('svg:svg', { 'aria-hidden': 'true' });
    const chart = make('div', { class: 'chart', tabindex: 0, role: 'slider', 'aria-label': t('Models by date; arrow keys go through time') }, drawing);
    const facts = make('div');
    const sample = (more, text) => make('span', {}, make('svg:svg', { viewBox: '0 0 14 14', width: 14, height: 14, 'aria-hidden': 'true' }, mark(7, 7, more)), text);
    ui.controls.append(kinds, offers, list);
    ui.body.append(chart, make('div', { class: 'legend' }, sample({ offer: 'open' }, t('weights open')), sample({ offer: 'closed' }, t('weights closed')),
      sample({}, t('weights unknown')), sample({ offer: 'closed', guess: true }, t('size estimated by others')),
      sample({ line: true }, t('down to the parameters that one token uses')), make('span', {}, t('A year is the wider the more models it has.'))), facts);

    function mark(x, y, { offer, guess, line, r = 4.5 }) {
      if (line) return make('svg:path', { d: `M${x} ${y - 6}V${y + 6}m-3 0h6`, stroke: 'var(--edge)', 'stroke-width': 1.5 });
      const d = guess ? `M${x} ${y - r - 1.5}l${r + 1.5} ${r + 1.5}l${-r - 1.5} ${r + 1.5}l${-r - 1.5} ${-r - 1.5}z` : `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
      return make('svg:path', { d, fill: offer === 'open' ? 'var(--blue)' : 'var(--paper)', stroke: 'var(--blue)', 'stroke-width': 1.5, 'stroke-dasharray': offer ? null : '2 1.6' });
    }
    const state = () => ({ model: name, kind, weights });
    // After a choice: what is said, drawn and told.
    function settle(told = true) {
      shown = chosenOf(models, { kind, weights });
      if (!shown.some((one) => one.name === name)) name = '';
      kinds.box.value = kind;
      offers.box.value = weights;
      list.box.replaceChildren(make('option', { value: '' }, '–'), ...shown.map((one) => make('option', { value: one.name, selected: one.name === name }, `${one.name} (${one.date[0].slice(0, 4)})`)));
      write();
      draw();
      if (!told) return;
      ui.say(name ? chart.getAttribute('aria-valuetext') : sentence(shown, t));
      model.set('state', state());
      model.save_changes();
    }
    const HEAD = [t('model'), t('date'), t('kind'), t('parameters'), t('active parameters'), t('training tokens'), t('weights')];
    const KEYS = ['date', 'kind', 'parameters', 'active', 'tokens', 'weights'];
    function write() {
      const one = shown.find((other) => other.name === name), at = shown.indexOf(one);
      const text = one ? [one.name, ...KEYS.flatMap((key, i) => (key === 'active' && !one[key] ? [] : [`${HEAD[i + 1]}: ${said(one[key], t)}`]))].join(', ') : t('No model is chosen.');
      for (const [key, said_] of Object.entries({ valuemin: 0, valuemax: Math.max(0, shown.length - 1), valuenow: Math.max(0, at), valuetext: text })) chart.setAttribute('aria-' + key, said_);
      facts.replaceChildren(one ? details(one) : make('p', {}, t('Choose a model by its mark, with the arrow keys, or from the list.')));
      ui.sentence(sentence(shown, t));
      ui.table(HEAD, shown.map((other) => [other.name, ...KEYS.map((key) => (key === 'active' && !other[key] ? '' : said(other[key], t)))]), t('Language models by date'));
    }
    function details(one) {
      const rows = KEYS.flatMap((key, i) => {
        const cell = one[key], [source, link] = sources[cell?.[2]] ?? [];
        if (key === 'active' && !cell) return [];
        const cited = link?.startsWith('https://') ? make('a', { href: link, target: '_blank', rel: 'noopener noreferrer' }, source) : source ?? '';
        return [make('tr', {}, make('th', { scope: 'row' }, HEAD[i + 1]), make('td', {}, make('bdi', {}, said(cell, t))),
          make('td', {}, cell ? [t(cell[1]), ': ', cited] : ''))];
      });
      return make('table', { class: 'facts' }, make('caption', {}, one.name), make('thead', {}, make('tr', {},
        [t('what'), t('value'), t('source')].map((cell) => make('th', { scope: 'col' }, cell)))), make('tbody', {}, rows));
    }
    function draw() {
      const width = clamp(Math.round(chart.clientWidth || 720), 240, 1200), height = clamp(Math.round(width * 0.55), 300, 460), floor = height - STRIP - 40;
      const [places, years] = shares(models.map((one) => one.date[0])), x = (share) => LEFT + share * (width - LEFT - RIGHT);
      const sizes = models.flatMap((one) => [value(one.parameters), value(one.active)]).filter((size) => size !== null).map(Math.log10);
      const [low, high] = sizes.length ? [Math.min(...sizes) - 0.25, Math.max(...sizes) + 0.25] : [5.75, 12.25];
      const y = (count) => floor - ((Math.log10(count) - low) / (high - low)) * (floor - 24), parts = [], said_ = { fill: 'var(--muted)' };
      const rule = (x1, y1, x2, y2, more) => parts.push(make('svg:line', { x1, y1, x2, y2, stroke: 'var(--line)', ...more }));
      for (let power = Math.ceil(low); power <= high; power++) {
        rule(LEFT, y(10 ** power), width - RIGHT, y(10 ** power));
        parts.push(make('svg:text', { x: LEFT - 6, y: y(10 ** power) + 4, 'text-anchor': 'end', ...said_ }, compact(10 ** power)));
      }
      rule(LEFT, height - STRIP - 26, width - RIGHT, height - STRIP - 26, { stroke: 'var(--edge)', 'stroke-dasharray': '3 3' });
      parts.push(make('svg:text', { x: LEFT - 8, y: height - STRIP - 8, 'text-anchor': 'end', ...said_ }, t('unknown')), make('svg:text', { x: 0, y: 11, ...said_ }, t('parameters')));
      let written_ = -Infinity;
      for (const [year, share] of years) {
        rule(x(share), height - 28, x(share), height - 22, { stroke: 'var(--edge)' });
        if (x(share) - written_ < 36 || share === 1) continue;
        written_ = x(share);
        parts.push(make('svg:text', { x: written_, y: height - 8, ...said_ }, year));
      }
      // Models of unknown size stand in a strip of their own, beside one another.
      const ends = {};
      spots = models.flatMap((one, i) => {
        const across = x(places[i]), size = value(one.parameters);
        if (!shown.includes(one)) return [];
        if (size !== null) return [{ one, x: across, y: y(size) }];
        let row = 0;
        while ((ends[row] ?? -Infinity) >= across - ROW) row++;
        ends[row] = across;
        return [{ one, x: across, y: height - STRIP - 12 + ROW * (row % 3) }];
      });
      for (const { one, x: at, y: top } of spots) if (value(one.active) && value(one.parameters)) {
        rule(at, top, at, y(value(one.active)), { stroke: 'var(--edge)' });
        rule(at - 3, y(value(one.active)), at + 3, y(value(one.active)), { stroke: 'var(--edge)' });
      }
      for (const { one, x: at, y: top } of spots) parts.push(mark(at, top, { offer: value(one.weights), guess: one.parameters?.[1] === 'estimated' }));
      const picked = spots.find(({ one }) => one.name === name);
      if (picked) parts.push(make('svg:circle', { cx: picked.x, cy: picked.y, r: 8.5, fill: 'none', stroke: 'var(--orange)', 'stroke-width': 2.5 }));
      parts.push(...names(width, height));
      for (const [key, one] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) drawing.setAttribute(key, one);
      drawing.replaceChildren(...parts);
    }
    function names(width, height) {
      const must = ({ one }) => one.name === name || one.name === over;
      const order = [...spots].sort((a, b) => must(b) - must(a) || b.one.landmark - a.one.landmark);
      const wanted = order.map((spot) => ({ x: spot.x, y: spot.y, width: pen.measureText(spot.one.name).width + 3, must: must(spot) }));
      const taken = [[0, 0, LEFT - 4, height], ...spots.map((spot) => [spot.x - 5, spot.y - 5, 10, 10])];
      return labelPlaces(wanted, width, height, { most: MOST_NAMES, gap: 9, taken }).flatMap((spot, i) => {
        if (!spot) return [];
        const { one, x, y } = order[i], text = make('svg:text', { x: spot.x, y: spot.y, stroke: 'var(--paper)', 'stroke-width': 3, 'paint-order': 'stroke', 'font-weight': one.name === name ? 700 : null }, one.name);
        const end = { x1: x, y1: y, x2: spot.x + (spot.x < x ? wanted[i].width : 0), y2: spot.y - 4 };
        return spot.far ? [make('svg:line', { ...end, stroke: 'var(--edge)' }), text] : [text];
      });
    }
    function under({ clientX, clientY }, reach) {
      const edge = drawing.getBoundingClientRect(), away = (spot) => Math.hypot(spot.x - clientX + edge.left, spot.y - clientY + edge.top);
      return spots.filter((spot) => away(spot) < reach).sort((a, b) => away(a) - away(b))[0]?.one.name ?? '';
    }
    chart.addEventListener('keydown', (event) => {
      const at = shown.findIndex((one) => one.name === name), last = shown.length - 1;
      const next = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at < 0 ? last : at - 1, ArrowDown: at < 0 ? last : at - 1, Home: 0, End: last, Escape: null }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      name = next === null ? '' : shown[clamp(next, 0, last)]?.name ?? '';
      settle();
    });
    chart.addEventListener('click', (event) => { name = under(event, 24); settle(); });
    for (const event of ['pointermove', 'pointerleave']) chart.addEventListener(event, (here) => {
      const found = here.type === 'pointermove' ? under(here, 14) : '';
      if (found === over) return;
      over = found;
      draw();
    });
    let due = 0;
    const watcher = new ResizeObserver(() => { due ||= requestAnimationFrame(() => { due = 0; draw(); }); });
    ui.later(() => { watcher.disconnect(); cancelAnimationFrame(due); });

    function start() {
      ({ models, sources } = model.get('record'));
      [kind, weights, name, over] = ['', '', '', ''];
      const found = (key) => [...new Set(models.map((one) => value(one[key]) ?? 'unknown'))].map((one) => make('option', { value: one }, t(one)));
      kinds.box.replaceChildren(make('option', { value: '' }, t('all kinds')), ...found('kind'));
      offers.box.replaceChildren(make('option', { value: '' }, t('open or not')), ...found('weights'));
    }
    start();
    ui.link(state, (followed) => { ({ kind = '', weights = '', model: name = '' } = followed); });
    ui.exports([
      ['SVG', 'timeline.svg', () => standalone(drawing, ui)],
      ['PNG', 'timeline.png', () => picture(standalone(drawing, ui))],
      ['CSV', 'timeline.csv', () => csv([t('model'), ...KEYS.flatMap((key, i) => [HEAD[i + 1], t('status'), t('source')])],
        shown.map((one) => [one.name, ...KEYS.flatMap((key) => [value(one[key]) ?? '', t(one[key]?.[1] ?? 'unknown'), sources[one[key]?.[2]]?.[1] ?? ''])]))],
    ]);
    ui.onModel('change:record', () => { start(); settle(false); });
    settle(false);
    watcher.observe(chart);
    return ui.dispose;
  },
};
