// Whether a classifier that says 80 % is right 80 times in 100, and what a temperature mends.

// The record with its numbers unpacked: logits and labels, or confidences and whether they were right.
function read(record, blob) {
  const raw = bytesOf(blob).slice(), count = record.n * (record.logits ? record.classes || 1 : 1);
  const numbers = record.width === 4 ? new Float32Array(raw.buffer, 0, count) : new Float64Array(raw.buffer, 0, count);
  const rest = raw.slice(record.width * count);
  return { ...record, numbers, facts: record.logits ? new Uint16Array(rest.buffer) : rest };
}
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;

// What the probabilities are worth with the logits divided by a temperature.
function measured(data, temperature = 1) {
  const { n, classes, numbers, facts } = data;
  if (!data.logits) return { confidence: numbers, right: facts, brier: data.brier, surprise: data.surprise ?? Infinity };
  const confidence = new Float64Array(n), right = new Uint8Array(n), size = classes || 2, scores = new Float64Array(size);
  let brier = 0, surprise = 0;
  for (let i = 0; i < n; i++) {
    let best = -Infinity, whole = 0, place = 0, distance = 0;
    for (let k = 0; k < size; k++) {
      scores[k] = (classes ? numbers[i * size + k] : k && numbers[i]) / temperature;
      if (scores[k] > best) [best, place] = [scores[k], k];
    }
    for (let k = 0; k < size; k++) whole += Math.exp(scores[k] - best);
    const log = best + Math.log(whole), label = facts[i];
    for (let k = 0; k < size; k++) distance += (Math.exp(scores[k] - log) - (k === label)) ** 2;
    if (!classes && scores[1] === 0) place = 1;
    confidence[i] = Math.exp(scores[place] - log);
    right[i] = place === label;
    brier += distance / (classes ? 1 : 2) / n;
    surprise += (log - scores[label]) / n;
  }
  return { confidence, right, brier, surprise };
}
// Bins of equal width, from a half for two classes: llm_book.evaluation.calibration.
function binned({ confidence, right }, two, bins) {
  const found = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  confidence.forEach((sure, i) => {
    const bin = found[clamp(Math.floor(two ? (sure - 0.5) * 2 * bins : sure * bins), 0, bins - 1)];
    bin.count++;
    bin.confidence += sure;
    bin.right += right[i];
  });
  return found.map((bin) => ({ ...bin, confidence: bin.confidence / bin.count, accuracy: bin.right / bin.count }));
}
function calibrationError(found) {
  const filled = found.filter((bin) => bin.count), n = filled.reduce((sum, bin) => sum + bin.count, 0);
  return filled.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.accuracy) * bin.count, 0) / n;
}
// llm_book.evaluation.intervals.wilson
function wilson(right, n, z = 1.959963984540054) {
  const share = right / n, below = 1 + (z * z) / n, centre = (share + (z * z) / (2 * n)) / below;
  const half = (z / below) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
// Without the last digits, which depend on the order of a sum.
const tidy = (value) => Math.round(value * 1e9) / 1e9;
const tenths = (value) => _exactly(tidy(value), (left) => left.toFixed(1), 1);

function sentence(now, found, { bins, fitted }, t) {
  const sure = tenths(100 * mean(now.confidence)), right = tenths(100 * mean(now.right)), gap = sure - right;
  const values = { sure, right, gap: tenths(Math.abs(gap)), error: written(tidy(calibrationError(found)), 2), bins };
  const said = values.gap === '0.0' ? t('Mean confidence {sure} %, accuracy {right} %: as sure as it is right on average; expected calibration error {error} with {bins} bins.', values)
    : gap > 0 ? t('Mean confidence {sure} %, accuracy {right} %: too sure by {gap} points; expected calibration error {error} with {bins} bins.', values)
      : t('Mean confidence {sure} %, accuracy {right} %: not sure enough by {gap} points; expected calibration error {error} with {bins} bins.', values);
  return fitted === null ? said : said + ' ' + t('These labels are least surprising at a temperature of {fitted}.', { fitted: written(fitted) });
}

const CSS = `
.parts { display: flex; flex-wrap: wrap; gap: 10px 30px; align-items: flex-start; }
.dial { position: relative; }
.mark { position: absolute; bottom: -9px; transform: translateX(-50%); color: var(--orange); font-size: 12px; line-height: 1; }
.measures td { text-align: right; overflow-wrap: normal; }`;

export default {
  read, measured, binned, calibrationError, wilson, sentence,
  render({ model, el }) {
    const ui = shell({ model, el, css: CSS }), { t } = ui;
    let data, before, now, found, bins = model.get('record').bins, temperature = 1;
    const chart = make('div'), side = make('div');
    const put = (change) => { ({ bins, temperature } = { bins, temperature, ...change }); draw(); tell(); };
    const binDial = slider(t('bins'), { min: 2, max: 50, step: 1, value: bins }, (value) => put({ bins: value }), String);
    const { fitted, logits } = model.get('record');
    const reach = Math.max(3, Math.ceil(Math.abs(Math.log2(fitted ?? 1))));
    const heat = slider(t('temperature'), { min: -reach, max: reach, step: 0.02, value: 0 }, (value) => put({ temperature: 2 ** value }), (value) => written(2 ** value));
    const setHeat = (value) => { heat.set(Math.log2(value)); put({ temperature: value }); };
    ui.controls.append(binDial);
    if (logits) {
      heat.classList.add('dial');
      ui.controls.append(heat);
      if (fitted !== null) {
        const part = (Math.log2(fitted) + reach) / (2 * reach);
        heat.append(make('span', { class: 'mark', 'aria-hidden': 'true', style: `left: calc(8px + (150px - 16px) * ${part})` }, '▲'));
        ui.controls.append(button(t('Fitted: {fitted}', { fitted: written(fitted) }), () => setHeat(fitted)), button(t('As it was: 1'), () => setHeat(1)));
      }
    }
    ui.body.append(make('div', { class: 'parts' }, chart, side));

    function begin() {
      data = read(model.get('record'), model.get('blob'));
      before = measured(data);
      draw();
    }
    function tell() {
      model.set('state', { bins, temperature });
      model.save_changes();
    }
    function draw() {
      now = temperature === 1 ? before : measured(data, temperature);
      found = binned(now, !data.classes, bins);
      chart.replaceChildren(drawing());
      const numbers = (of) => [mean(of.right), mean(of.confidence), calibrationError(binned(of, !data.classes, bins)), of.brier, of.surprise].map((value) => written(value));
      const names = [t('accuracy'), t('mean confidence'), t('expected calibration error'), t('Brier score'), t('surprise at the truth (nats)')];
      const columns = data.logits ? [numbers(before), numbers(now)] : [numbers(now)];
      const head = data.logits ? [t('measure'), t('temperature 1'), t('temperature {temperature}', { temperature: written(temperature) })] : [t('measure'), t('value')];
      const measures = table(head, names.map((name, i) => [name, ...columns.map((column) => column[i])]), t('How good the probabilities are'));
      measures.className = 'measures';
      side.replaceChildren(measures);
      ui.table([t('confidence'), t('examples'), t('mean confidence'), t('accuracy'), t('95 % interval')], rows(), t('Confidence and accuracy in each bin'));
      ui.sentence(sentence(now, found, { bins, fitted: data.fitted }, t));
    }
    const start = () => (data.classes ? 0 : 0.5);
    const edge = (i) => start() + ((1 - start()) * i) / bins;
    const rows = () => found.map((bin, i) => [bin, i]).filter(([bin]) => bin.count).map(([bin, i]) => [`${written(edge(i))} – ${written(edge(i + 1))}`,
      bin.count.toLocaleString('en-US'), written(bin.confidence), written(bin.accuracy), wilson(bin.right, bin.count).map((end) => written(end)).join(' – ')]);
    function drawing() {
      const x = (value) => 44 + (252 * (value - start())) / (1 - start()), y = (value) => 266 - 252 * value;
      const most = Math.max(...found.map((bin) => bin.count)), wide = 252 / bins;
      const parts = found.flatMap((bin, i) => {
        if (!bin.count) return [];
        const at = x(bin.confidence), high = (70 * bin.count) / most, [low, top] = wilson(bin.right, bin.count).map(y);
        return [
          make('svg:rect', { x: x(edge(i)), y: 366 - high, width: Math.max(wide - 1, 1), height: high, fill: 'var(--blue)' }),
          make('svg:rect', { x: at - 4, y: Math.min(y(bin.confidence), y(bin.accuracy)), width: 8, height: Math.abs(y(bin.confidence) - y(bin.accuracy)), fill: 'var(--orange)', 'fill-opacity': 0.55 }),
          make('svg:path', { d: `M${at},${low}V${top}m-4,0h8M${at - 4},${low}h8`, stroke: 'var(--blue)', 'stroke-width': 1.5 }),
          make('svg:circle', { cx: at, cy: y(bin.accuracy), r: 3 + 6 * Math.sqrt(bin.count / most), fill: 'var(--blue)', stroke: 'var(--paper)' })];
      });
      const ticks = [0, 0.25, 0.5, 0.75, 1], text = (more, words) => make('svg:text', { 'text-anchor': 'middle', ...more }, words);
      return make('svg:svg', { viewBox: '0 0 304 402', width: 304, height: 402, 'aria-hidden': 'true' },
        make('svg:rect', { x: 44, y: 14, width: 252, height: 252, fill: 'none', stroke: 'var(--edge)' }),
        make('svg:line', { x1: 44, x2: 296, y1: 366, y2: 366, stroke: 'var(--edge)' }),
        make('svg:line', { x1: x(start()), y1: y(start()), x2: 296, y2: 14, stroke: 'var(--muted)', 'stroke-width': 1.5, 'stroke-dasharray': '4 4' }),
        parts, ticks.map((tick) => text({ x: 38, y: y(tick) + 4, 'text-anchor': 'end' }, String(tick))),
        ticks.map((tick) => text({ x: 44 + 252 * tick, y: 380 }, String(start() + tick * (1 - start())))),
        text({ x: 170, y: 398 }, t('confidence')), text({ transform: 'translate(11 140) rotate(-90)' }, t('accuracy')),
        text({ transform: 'translate(11 330) rotate(-90)' }, t('examples')), text({ x: 38, y: 304, 'text-anchor': 'end' }, most.toLocaleString('en-US')));
    }
    ui.link(() => ({ bins, temperature }), (from) => {
      if (Number.isInteger(+from.bins) && from.bins >= 2 && from.bins <= 50) binDial.set(bins = +from.bins);
      if (logits && from.temperature > 0.001 && from.temperature < 1000) heat.set(Math.log2(temperature = +from.temperature));
    });
    ui.exports([
      ['SVG', 'calibration.svg', () => standalone(chart.firstChild, ui)],
      ['PNG', 'calibration.png', () => picture(standalone(chart.firstChild, ui))],
      ['CSV', 'calibration.csv', () => csv([t('bin'), t('examples'), t('mean confidence'), t('accuracy')],
        found.map((bin, i) => [edge(i), bin.count, bin.count ? bin.confidence : '', bin.count ? bin.accuracy : '']))],
    ]);
    ui.onModel('change:record', () => {
      ({ bins } = model.get('record'));
      temperature = 1;
      binDial.set(bins);
      heat.set(0);
      begin();
    });
    begin();
    return ui.dispose;
  },
};
