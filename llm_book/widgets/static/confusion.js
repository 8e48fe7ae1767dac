// True against predicted classes: which is taken for which, and what another threshold would do.

// The record with its numbers unpacked: scores in falling order, and which examples truly are positive.
function read(record, blob) {
  const size = record.classes.length, { n, width } = record;
  if (!n) return { ...record, size };
  const raw = bytesOf(blob).slice();
  const scores = width === 4 ? new Float32Array(raw.buffer, 0, n) : new Float64Array(raw.buffer, 0, n);
  return { ...record, size, scores, positive: raw.subarray(width * n) };
}
function countsAt({ counts, scores, positive }, threshold) {
  if (!scores) return counts;
  const now = [0, 0, 0, 0];
  scores.forEach((score, i) => { now[2 * positive[i] + (score >= threshold)]++; });
  return now;
}
const share = (part, whole) => (whole ? part / whole : 0);
const total = (list) => list.reduce((sum, value) => sum + value, 0);

// Of every class, and their means: llm_book.evaluation.classification.ConfusionTable.
function scoresOf(counts, size) {
  const each = Array.from({ length: size }, (_, i) => i);
  const right = each.map((i) => counts[i * size + i]);
  const support = each.map((i) => total(counts.slice(i * size, (i + 1) * size)));
  const predicted = each.map((i) => total(each.map((row) => counts[row * size + i])));
  const n = total(support);
  const of = {
    precision: each.map((i) => share(right[i], predicted[i])),
    recall: each.map((i) => share(right[i], support[i])),
    f1: each.map((i) => share(2 * right[i], predicted[i] + support[i])),
  };
  const mean = (weights) => Object.fromEntries(Object.entries(of).map(([name, values]) =>
    [name, total(values.map((value, i) => value * share(weights[i], total(weights))))]));
  return { ...of, support, predicted, n, correct: total(right), accuracy: share(total(right), n),
    macro: mean(each.map(() => 1)), weighted: mean(support) };
}
// The cells beside the diagonal that hold an example, the fullest first.
function confused(counts, size) {
  return counts.map((_, i) => i).filter((i) => counts[i] && i % (size + 1))
    .sort((a, b) => counts[b] - counts[a] || a - b).map((i) => [Math.floor(i / size), i % size]);
}
// One point for every threshold, from the strictest to the loosest.
function curve({ scores, positive }) {
  const all = total([...positive]), points = [];
  let found = 0;
  scores.forEach((threshold, i) => {
    found += positive[i];
    if (scores[i + 1] !== threshold) points.push({ threshold, recall: share(found, all),
      precision: found / (i + 1) });
  });
  return points;
}
function sentence({ classes }, counts, threshold, t) {
  const size = classes.length, of = scoresOf(counts, size);
  const said = t('{right} of {all} predictions are right, {share} %.',
    { right: count(of.correct), all: count(of.n), share: written(100 * of.accuracy) }) + ' ';
  if (size === 2) {
    const values = { name: classes[1], precision: written(of.precision[1]), recall: written(of.recall[1]),
      f1: written(of.f1[1]), threshold: written(threshold ?? 0) };
    return said + (threshold === null ? t('“{name}” has precision {precision}, recall {recall} and F1 {f1}.', values)
      : t('With a threshold of {threshold}, “{name}” has precision {precision}, recall {recall} and F1 {f1}.', values));
  }
  const [worst] = confused(counts, size), mean = said + t('The mean F1 of the classes is {f1}.', { f1: written(of.macro.f1) });
  if (!worst) return mean;
  const [row, column] = worst;
  return mean + ' ' + t('The most frequent confusion is “{true}” taken for “{predicted}”: {count} of {all}.',
    { true: classes[row], predicted: classes[column], count: count(counts[row * size + column]), all: count(of.support[row]) });
}
const count = (value) => value.toLocaleString('en-US');
const head = (text) => make('p', { class: 'head' }, text);
const percent = (value, digits = 3) => `${written(100 * value, digits)} %`;

const CSS = `
.parts { display: flex; flex-wrap: wrap; gap: 14px 26px; align-items: flex-start; }
.parts > * { max-width: 100%; }
.head { font-size: 13px; font-weight: 600; margin: 0 0 4px; }
.matrix svg { max-width: none; cursor: pointer; }
.first { min-width: min(260px, 100%); } .where { margin: 6px 0 0; min-height: 3em; width: 0; min-width: 100%; }
ol { margin: 0; padding-left: 1.8em; } li { margin: 2px 0; } li button { text-align: left; font-size: 13px; }
.examples { flex: 1 1 280px; min-width: 0; }`;

export default {
  read, countsAt, scoresOf, confused, curve, sentence,
  render({ model, el }) {
    const ui = shell({ model, el, css: CSS }), { t } = ui;
    const modes = { counts: t('counts'), row: t('share of the row (recall)'), column: t('share of the column (precision)') };
    let data, size, counts, of, side, left, top, line, spot = [0, 0], chosen = null;
    let show = 'counts', threshold = model.get('record').threshold;
    const called = t('Matrix of true and predicted classes');
    const cell = make('div', { role: 'gridcell', id: 'cell' }), row = make('div', { role: 'row', class: 'unseen' }, cell);
    const frame = (shape) => make('svg:rect', { fill: 'none', 'stroke-width': shape, stroke: 'var(--ink)' });
    const marks = [frame(2), frame(4)], drawn = make('svg:svg', { 'aria-hidden': 'true', 'text-anchor': 'middle' });
    const keys = make('div', { role: 'grid', tabindex: 0, 'aria-activedescendant': 'cell', 'aria-label': called }, row, drawn);
    const matrix = make('div', { class: 'scroll matrix', tabindex: 0, role: 'region', 'aria-label': called }, keys);
    const where = make('p', { class: 'where' }), graph = make('div'), pairs = make('div'), examples = make('div', { class: 'examples' });
    const modeBox = select(t('Cells show'), Object.entries(modes), show, (value) => { show = value; draw(); tell(); });
    const dial = threshold === null ? null : slider(t('threshold'), { min: 0, max: 1, step: 0.01, value: threshold },
      (value) => { threshold = value; draw(); tell(); });
    ui.controls.append(...[modeBox, dial].filter(Boolean));
    ui.body.append(make('div', { class: 'parts' }, make('div', { class: 'first' }, matrix, where), graph, pairs, examples));

    const x = (value) => 44 + 200 * value, y = (value) => 210 - 200 * value;
    const cut = (label) => (label.length > 16 ? label.slice(0, 15) + '…' : label);
    const apart = (label) => `\u2068${label}\u2069`;
    const at = ([r, c]) => counts[r * size + c];
    const inRow = (place) => share(at(place), of.support[place[0]]), inColumn = (place) => share(at(place), of.predicted[place[1]]);
    const strength = (place) => (show === 'column' ? inColumn : inRow)(place);
    const names = ([r, c]) => ({ true: apart(data.classes[r]), predicted: apart(data.classes[c]), count: count(at([r, c])) });
    const name = (place) => t('true “{true}”, predicted “{predicted}”', names(place));
    const told = (place) => t('{cell}: {count} examples, {row} of the row, {column} of the column',
      { ...names(place), cell: name(place), row: percent(inRow(place)), column: percent(inColumn(place)) });

    function begin() {
      data = read(model.get('record'), model.get('blob'));
      size = data.classes.length;
      side = size > 24 ? clamp(Math.floor(720 / size), 6, 14) : size > 6 ? 34 : 62;
      const longest = side < 30 ? 0 : Math.max(40, ...data.classes.map((label) => cut(label).length * (label > '\u2e80' ? 12 : 7)));
      left = longest + 14;
      top = longest ? longest * 0.75 + 34 : 24;
      line = data.scores && [...new Set(curve(data).map((one) => `${x(one.recall).toFixed(1)},${y(one.precision).toFixed(1)}`))].join(' ');
      draw();
    }
    function tell() {
      model.set('state', { show, threshold, row: chosen?.[0] ?? null, column: chosen?.[1] ?? null });
      model.save_changes();
    }
    function draw() {
      counts = countsAt(data, threshold);
      of = scoresOf(counts, size);
      drawMatrix();
      move(spot);
      if (line) graph.replaceChildren(head(t('Every threshold')), graphed());
      const found = size > 2 ? confused(counts, size).slice(0, side < 30 ? 10 : 5) : [];
      pairs.replaceChildren(...(found.length ? [head(t('Most confused')), make('ol', {}, found.map((place) => make('li', {},
        button(t('“{true}” for “{predicted}”: {count}', names(place)), () => choose(place)))))] : []));
      drawExamples();
      const row = (label, of, n, i) => [label, ...[of.precision, of.recall, of.f1].map((value) => written(value[i] ?? value)), count(n)];
      ui.table([t('class'), t('precision'), t('recall'), t('F1'), t('examples')], [
        ...data.classes.map((label, i) => row(label, of, of.support[i], i)),
        row(t('mean of the classes'), of.macro, of.n), row(t('weighted mean'), of.weighted, of.n)], t('Scores of each class'));
      ui.sentence(sentence(data, counts, threshold, t));
    }
    function put(node, values) { for (const [key, value] of Object.entries(values)) node.setAttribute(key, value); }
    const corner = ([r, c]) => ({ x: left + c * side, y: top + r * side, width: side - 1, height: side - 1 });
    function drawMatrix() {
      const edge = side * size, width = left + edge + top - 20, height = top + edge + 4, large = side < 30;
      put(drawn, { width, height, viewBox: `0 0 ${width} ${height}` });
      const squares = counts.flatMap((number, i) => {
        const place = [Math.floor(i / size), i % size], box = corner(place), ink = Math.sqrt(strength(place));
        const square = make('svg:rect', { ...box, fill: `var(--${place[0] === place[1] ? 'blue' : 'orange'})`, 'fill-opacity': large ? 0.4 + 0.6 * ink : 0.4 * ink });
        if (large) return number ? [square] : [];
        return [square, make('svg:text', { x: box.x + side / 2, y: box.y + side / 2 + 4 },
          show === 'counts' ? count(number) : written(100 * strength(place), 2) + (side > 40 ? ' %' : ''))];
      });
      const labels = large ? [] : data.classes.flatMap((label, i) => {
        const middle = (i + 0.5) * side;
        return [make('svg:text', { x: left - 8, y: top + middle + 4, 'text-anchor': 'end' }, cut(label)),
          make('svg:text', { transform: `translate(${left + middle} ${top - 8}) rotate(-45)`, 'text-anchor': 'start' }, cut(label))];
      });
      drawn.replaceChildren(make('svg:text', { x: 2, y: 14, 'text-anchor': 'start' }, t('true ↓, predicted →')), ...squares, ...labels,
        make('svg:rect', { x: left, y: top, width: edge, height: edge, fill: 'none', stroke: 'var(--edge)' }), ...marks);
    }
    function move(place) {
      spot = place.map((way) => clamp(way, 0, size - 1));
      cell.textContent = where.textContent = told(spot);
      cell.setAttribute('aria-colindex', spot[1] + 1);
      row.setAttribute('aria-rowindex', spot[0] + 1);
      put(marks[0], corner(spot));
      put(marks[1], corner(chosen ?? [-99, 0]));
    }
    function choose(place) {
      chosen = place;
      move(place);
      drawExamples();
      ui.say(examples.textContent);
      tell();
    }
    const under = (event) => {
      const box = drawn.getBoundingClientRect();
      return [event.clientY - box.top - top, event.clientX - box.left - left].map((way) => clamp(Math.floor(way / side), 0, size - 1));
    };
    ui.listen(drawn, 'pointermove', (event) => move(under(event)));
    ui.listen(drawn, 'click', (event) => choose(under(event)));
    ui.listen(keys, 'keydown', (event) => {
      const [r, c] = spot, next = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1],
        Home: [r, 0], End: [r, size], PageUp: [r - 10, c], PageDown: [r + 10, c] }[event.key];
      if (next) move(next);
      else if (event.key === 'Enter' || event.key === ' ') choose(spot);
      else return;
      event.preventDefault();
      marks[0].scrollIntoView({ block: 'nearest', inline: 'nearest' });
    });
    function drawExamples() {
      if (!chosen) return examples.replaceChildren(t('Choose a cell to see its examples.'));
      const found = (data.examples[chosen.join()] ?? []).filter(([, score]) => !data.scores || (score >= threshold) === (chosen[1] === 1));
      const many = { shown: found.length, all: count(at(chosen)) };
      examples.replaceChildren(
        head(`${name(chosen)}: ` + (found[0]?.[1] != null ? t('the surest {shown} of {all}', many) : t('{shown} of {all}', many))),
        make('ol', {}, found.map(([place, score, text]) => make('li', {},
          score === null ? '' : percent(data.scores && !chosen[1] ? 1 - score : score) + ' ', make('bdi', {}, text ?? `labels[${place}]`)))));
    }
    // Precision against recall at every threshold; of points that no eye could tell apart one is drawn.
    function graphed() {
      const base = y(share(of.support[1], of.n));
      return make('svg:svg', { viewBox: '0 0 260 252', width: 260, height: 252, 'aria-hidden': 'true', 'text-anchor': 'middle' },
        [0, 0.5, 1].flatMap((tick) => [make('svg:text', { x: x(tick), y: 226 }, String(tick)),
          make('svg:text', { x: 38, y: y(tick) + 4, 'text-anchor': 'end' }, String(tick))]),
        make('svg:rect', { x: 44, y: 10, width: 200, height: 200, fill: 'none', stroke: 'var(--edge)' }),
        make('svg:line', { x1: 44, x2: 244, y1: base, y2: base, stroke: 'var(--muted)', 'stroke-dasharray': '2 4' }),
        make('svg:polyline', { points: line, fill: 'none', stroke: 'var(--blue)', 'stroke-width': 2 }),
        make('svg:circle', { cx: x(of.recall[1]), cy: y(of.precision[1]), r: 6, fill: 'var(--paper)', stroke: 'var(--orange)', 'stroke-width': 3 }),
        make('svg:text', { x: 144, y: 246 }, t('recall')),
        make('svg:text', { transform: 'translate(14 110) rotate(-90)' }, t('precision')));
    }
    ui.link(() => ({ show, threshold, row: chosen?.[0], column: chosen?.[1] }), (from) => {
      if (Object.hasOwn(modes, from.show)) modeBox.box.value = show = from.show;
      if (dial && from.threshold >= 0 && from.threshold <= 1) dial.set(threshold = +from.threshold);
      const place = [+from.row, +from.column], { classes } = model.get('record');
      if (place.every((way) => way in classes)) chosen = spot = place;
    });
    ui.exports([
      ['SVG', 'confusion.svg', () => standalone(drawn, ui)],
      ['PNG', 'confusion.png', () => picture(standalone(drawn, ui))],
      ['CSV', 'confusion.csv', () => csv([t('true ↓, predicted →'), ...data.classes], data.classes.map((label, r) => [label, ...counts.slice(r * size, (r + 1) * size)]))],
    ]);
    ui.onModel('change:record', () => {
      threshold = model.get('record').threshold;
      dial?.set(threshold);
      [spot, chosen] = [[0, 0], null];
      begin();
    });
    begin();
    return ui.dispose;
  },
};
