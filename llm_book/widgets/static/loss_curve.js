// Loss curves that read themselves. The rules are those of llm_book/widgets/curve_reading.py, name
// for name; what each is for stands there.
const FEWEST = 8, CERTAIN = 3, BEHIND = 10;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const count = (value) => Math.trunc(value).toLocaleString('en-US');
const scatter = (v) => (v.length < 2 ? 0 : median(v.slice(1).map((b, i) => Math.abs(b - v[i]))) / (0.6745 * Math.sqrt(2)));
const bend = (v) => (v.length < 4 ? 0 : median(v.slice(2).map((c, i) => Math.abs(v[i] - 2 * v[i + 1] + c))) / (0.6745 * Math.sqrt(6)));
const tail = (n) => Math.max(3, Math.floor(0.15 * n));
const firstLevel = (v) => median(v.slice(0, Math.ceil(v.length / 50)));
const lastLevel = (v) => median(v.slice(-Math.ceil(v.length / 10)));
const levelError = (v) => (1.25 * scatter(v)) / Math.sqrt(Math.ceil(v.length / 10));
const falls = (before, after, noise) => mean(before) - mean(after) > CERTAIN * noise * Math.sqrt(1 / before.length + 1 / after.length);
function trend(v) {
  const m = tail(v.length), error = scatter(v.slice(-Math.max(2 * m, v.length >> 1))) * Math.sqrt(2 / m);
  const change = mean(v.slice(-m)) - mean(v.slice(-2 * m, -m));
  if (Math.abs(change) > Math.max(CERTAIN * error, 0.01 * (Math.max(...v) - Math.min(...v)))) return change < 0 ? 'falling' : 'rising';
  return Math.abs(change) + CERTAIN * error <= 0.1 * Math.abs(firstLevel(v) - lastLevel(v)) ? 'flat' : 'unclear';
}
const hasFallen = (v) => falls(v.slice(0, tail(v.length)), v.slice(-tail(v.length)), scatter(v));
function flatSince(v) {
  const m = tail(v.length), end = mean(v.slice(-2 * m)), width = Math.max(3, Math.floor(m / 3));
  const near = end + Math.max((CERTAIN * scatter(v)) / Math.sqrt(width), 0.03 * (firstLevel(v) - end));
  let place = v.length - m;
  while (place > 0 && mean(v.slice(place - 1, place - 1 + width)) <= near) place--;
  return place;
}
function diverges(v) {
  const start = firstLevel(v), end = lastLevel(v);
  return end > start + 0.5 * Math.abs(start) && end - start > CERTAIN * scatter(v);
}
function spike({ loss, high }) {
  const heights = high.slice(BEHIND).map((top, i) => top - median(high.slice(i, i + BEHIND)));
  const tallest = Math.max(...heights), peak = BEHIND + heights.indexOf(tallest), level = median(loss.slice(peak - BEHIND, peak));
  if (tallest <= Math.max(8 * scatter(high), 0.2 * Math.abs(level))) return null;
  const calm = level + CERTAIN * scatter(loss);
  return [peak, Math.max(0, loss.findIndex((value, i) => i > peak && value <= calm))];
}
function readSteps(curve, uniform, ended, t) {
  const { step, loss, points } = curve, n = loss.length;
  if (!n) return ended === 'diverged' ? '' : t('No step has been logged.');
  if (n === 1 && points <= 1) return t('The loss is {loss} at step {step}; one step is no curve.', { step: count(step[0]), loss: written(loss[0]) });
  const ends = { start: written(firstLevel(loss)), end: written(lastLevel(loss)) };
  if (n < FEWEST) return t('The loss is {start} at step {step} and {end} at step {last}: too few steps to read a trend.', { ...ends, step: count(step[0]), last: count(step[n - 1]) });
  if (diverges(loss)) return t('The loss rises from {start} to {end}, far above its start: training diverges.', ends);
  if (hasFallen(loss)) return readFallen(curve, ends, t);
  if (falls(loss.slice(-tail(n)), loss.slice(0, tail(n)), scatter(loss))) return t('The loss rose from {start} to {end}.', ends);
  const level = median(loss), near = (CERTAIN * scatter(loss)) / Math.sqrt(n) + 0.02 * uniform;
  if (uniform && Math.abs(level - uniform) <= near)
    return t('The loss stays near {level}, what a uniform guess gives: the model has not learned yet.', { level: written(level) });
  return t('The loss stays near {level} from the first step to the last.', { level: written(level) });
}
function readFallen({ step, loss }, ends, t) {
  const way = trend(loss);
  if (way === 'unclear') return t('The loss fell from {start} to {end}; its scatter hides whether it still falls.', ends);
  if (way === 'falling') return t('The loss fell from {start} to {end} and is still falling at the end.', ends);
  if (way === 'flat')
    return t('The loss fell from {start} to {end}; it has been flat since about step {step}.', { ...ends, step: count(step[flatSince(loss)]) });
  const low = Math.min(...loss);
  return t('The loss fell from {start} to {low} near step {step} and has risen to {end} since.', { ...ends, low: written(low), step: count(step[loss.indexOf(low)]) });
}
function readMissing({ missing, first_missing: first, points, ended }, t) {
  if (ended === 'diverged') return t('At step {step} the loss or its gradient is no longer a number: training diverged.', { step: count(first) });
  return missing && t('The loss is not a number at {count} of {all} steps, first at step {step}.', { count: count(missing), all: count(points), step: count(first) });
}
function readSpike(curve, t) {
  if (curve.loss.length < 2 * BEHIND || diverges(curve.loss)) return '';
  const [peak, back] = spike(curve) ?? [];
  if (peak == null) return '';
  const values = { peak: written(curve.high[peak]), step: count(curve.step[peak]), back: count(curve.step[back]) };
  return back ? t('A spike reaches {peak} near step {step}; the loss is back by step {back}.', values)
    : t('A spike reaches {peak} near step {step}; the loss has not come back since.', values);
}
function readNoise({ loss }, t) {
  const noise = scatter(loss);
  return loss.length >= 2 * BEHIND && hasFallen(loss) && noise > 0.5 * (firstLevel(loss) - lastLevel(loss))
    && t('Neighbouring points scatter by {noise}, so a single one says little.', { noise: written(noise, 2) });
}
function readValidation(points, curve, t) {
  if (!points.length) return '';
  const losses = points.map(([, loss]) => loss), low = Math.min(...losses), best = losses.indexOf(low), at = points[best][0];
  const values = { best: written(low), step: count(at), last: written(losses.at(-1)) };
  if (losses.length === 1) return t('Validation is {best} at step {step}; one point is no trend.', values);
  if (best === losses.length - 1) return t('Validation is best, {best}, at its last point, step {step}.', values);
  if (!hasRisen(losses, best)) return t('Validation was best, {best}, at step {step}; its last point is {last}.', values);
  return keptFalling(at, curve) ? t('Validation was best, {best}, at step {step} and has risen since: overfitting begins there.', values)
    : t('Validation was best, {best}, at step {step} and has risen since.', values);
}
function hasRisen(losses, best) {
  const around = losses.slice(Math.max(0, best - 1), best + 2), later = losses.slice(best + 1).slice(-3);
  return losses.length >= 4 && later.length >= 2 && falls(later, around, bend(losses)) && mean(later) - losses[best] > 0.01 * Math.abs(losses[best]);
}
function keptFalling(at, { step, loss }) {
  const place = step.findIndex((one) => one >= at), width = Math.max(1, (step.length - place) >> 1);
  return place >= 0 && mean(loss.slice(-width)) < mean(loss.slice(Math.max(0, place - width), place + 1));
}
function readRecorded(recorded, at, t) {
  if (!recorded || at == null || at > recorded.step.at(-1) * 1.02) return '';
  const loss = recorded.loss.filter((_, i) => recorded.step[i] <= at).at(-1);
  return loss != null && t('At step {step} the recorded run {name} stood at {loss}.', { step: count(at), name: recorded.name, loss: written(loss) });
}
function readEnd({ ended, ended_at: at, total, resumed }, t) {
  const values = { step: count(at), total: count(total), steps: resumed.map(count).join(', ') };
  return [
    resumed.length && t('The run was resumed after step {steps}.', values),
    ended === 'stopped' && t('The run was stopped at step {step}.', values),
    ended === 'early stop' && t('Early stopping ended the run at step {step}.', values),
    ended === 'short' && t('The run ended at step {step} of {total}.', values),
  ];
}
function compare(runs, t) {
  const known = runs.map((run) => ({ ...curveOf(run), name: run.name })).filter(({ loss }) => loss.length);
  if (known.length < 2) return '';
  const [a, b] = known.sort((one, other) => lastLevel(one.loss) - lastLevel(other.loss));
  const low = lastLevel(a.loss), next = lastLevel(b.loss);
  const values = { count: count(known.length), name: a.name, second: b.name, low: written(low), next: written(next) };
  return next - low > CERTAIN * Math.hypot(levelError(a.loss), levelError(b.loss)) && Math.min(a.loss.length, b.loss.length) >= FEWEST
    ? t('Of {count} runs {name} ends lowest, at {low}; next is {second}, at {next}.', values)
    : t('Of {count} runs {name} and {second} end lowest, at {low} and {next}: too close to tell apart.', values);
}
function curveOf(run) {
  const known = run.step.map((_, i) => i).filter((i) => run.loss[i] != null);
  return { points: run.points, ...Object.fromEntries(['step', 'loss', 'high'].map((name) => [name, known.map((i) => run[name][i])])) };
}
function sentence({ runs, uniform, recorded }, t) {
  if (runs.length > 1) return compare(runs, t);
  const [run] = runs, curve = curveOf(run);
  return [readMissing(run, t), readSteps(curve, uniform, run.ended, t), readSpike(curve, t), readNoise(curve, t),
    readValidation(run.validation, curve, t), readRecorded(recorded, curve.step.at(-1), t), ...readEnd(run, t)].filter(Boolean).join(' ');
}

// The numbers, as the package's table has them.
const cell = (value) => (value == null ? '–' : written(value));
function numbers({ runs }, t) {
  const long = runs.reduce((a, b) => (b.step.length > a.step.length ? b : a)), n = long.step.length, rows = Math.min(n, 20);
  const places = [...new Set(Array.from({ length: rows }, (_, row) => Math.floor((n * (row + 1)) / rows) - 1))];
  if (runs.length > 1) return [[t('step'), ...runs.map((run) => run.name)], places.map((place) => [count(long.step[place]), ...runs.map((run) => cell(run.loss[from(run, long.step[place])]))])];
  const [run] = runs;
  return [['step', 'training loss', 'lowest', 'highest', 'learning rate', 'validation loss'].map((word) => t(word)),
    places.map((place, row) => {
      const [before, step] = [row ? run.step[places[row - 1]] : -1, run.step[place]];
      return [count(step), ...['loss', 'low', 'high', 'learning_rate'].map((name) => cell(run[name][place])),
        cell(run.validation.filter(([at]) => before < at && at <= step).at(-1)?.[1])];
    })];
}
const from = (run, step) => { const place = run.step.findIndex((one) => one >= step); return place < 0 ? run.step.length : place; };

// An average that leans on the past with the weight given, corrected for having none at the start.
function smoothed(values, weight) {
  let sum = 0, whole = 0;
  return values.map((value) => {
    if (value == null) return null;
    sum = weight * sum + (1 - weight) * value;
    whole = weight * whole + 1 - weight;
    return sum / whole;
  });
}
function ticks(low, high, about, log) {
  if (log) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      for (const m of Math.log10(high / low) < 1.5 ? [1, 2, 3, 5, 7] : high / low > 1e4 ? [1] : [1, 3])
        if (m * 10 ** power >= low && m * 10 ** power <= high) found.push(+(m * 10 ** power).toPrecision(6));
    return found;
  }
  const rough = (high - low) / about, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].find((m) => m * power >= rough) * power;
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(+(n * step).toPrecision(12));
  return found;
}
const scale = (low, high, a, b, log) => (log
  ? (value) => a + ((b - a) * Math.log(Math.max(value, low) / low)) / Math.log(high / low)
  : (value) => a + ((b - a) * (value - low)) / (high - low));

const COLOURS = ['blue', 'orange', 'green', 'pink'], DASHES = ['', '6 3', '2 3', '9 3 2 3'], LEFT = 52, HEIGHT = 230, RED = '#d6273b';
const wide = (word) => [...word].reduce((sum, letter) => sum + (letter > '\u2e00' ? 12.5 : 6.8), 0);

export default {
  sentence, numbers, trend, spike, smoothed, ticks, written,
  render({ model, el }) {
    const ui = shell({ model, el, css: `.plot { touch-action: pan-y; } .plot text { pointer-events: none; }
      .read { min-height: 1.5em; margin: 4px 0 0; font-variant-numeric: tabular-nums; } .from { margin: 6px 0 0; font-size: 13px; color: var(--muted); }` });
    const { t } = ui;
    let record = model.get('record'), paint = null;
    const state = { smooth: 0, logx: 0, logy: 0, at: '', off: '' };
    const plot = make('div', { class: 'plot', role: 'slider', tabindex: 0, 'aria-label': t('Step on the curve') });
    const read = make('p', { class: 'read' }), origin = make('p', { class: 'from' });
    ui.body.append(plot, read, origin);
    const put = (change) => {
      Object.assign(state, change);
      if ('at' in change) point();
      else draw();
      model.set('state', { ...state });
      model.save_changes();
    };
    const dials = {
      smooth: slider(t('smoothing'), { min: 0, max: 0.99, step: 0.01, value: 0 }, (smooth) => put({ smooth }), (v) => (v ? written(v, 2) : t('off'))),
      logx: checkbox(t('logarithmic steps'), 0, (on) => put({ logx: +on })),
      logy: checkbox(t('logarithmic loss'), 0, (on) => put({ logy: +on })),
    };
    ui.controls.append(...Object.values(dials));
    const hidden = () => new Set(String(state.off).split('.').filter(Boolean).map(Number));
    const boxes = record.runs.length < 2 ? [] : record.runs.map((run, i) => checkbox(run.name, true, (on) => {
      const off = hidden();
      if (on) off.delete(i); else off.add(i);
      put({ off: [...off].join('.') });
    }));
    ui.controls.append(...boxes);
    const shownRuns = () => record.runs.map((run, i) => ({ ...run, look: [COLOURS[i % 4], DASHES[(i + (i >> 2)) % 4]], i })).filter(({ i }) => !hidden().has(i));
    const steps = () => shownRuns().reduce((a, b) => (b.step.length > a.length ? b.step : a), []);

    function draw() {
      const runs = shownRuns(), alone = record.runs.length === 1, { uniform, recorded } = record;
      const W = clamp(ui.body.clientWidth || 640, 260, 860), right = W - 12;
      const stroke = (colour, width = 1, dash = '') => ({ stroke: `var(--${colour})`, 'stroke-width': width, 'stroke-dasharray': dash, fill: 'none' });
      const svg = make('svg:svg', { 'aria-hidden': 'true' });
      const add = (tag, attributes, ...inside) => svg.append(make('svg:' + tag, attributes, ...inside));
      const line = (x1, y1, x2, y2, look) => add('line', { x1, y1, x2, y2, ...look });
      const text = (x, y, said, anchor = 'start', colour = 'muted', more = '') =>
        add('text', { x, y, 'text-anchor': anchor, style: `fill:var(--${colour});font-size:11px;${more}` }, said);
      // Words above the curves: a sample and a name for each.
      let x0 = LEFT, top = 12;
      const entry = (word, sample) => {
        if (x0 > LEFT && x0 + 30 + wide(word) > right) { x0 = LEFT; top += 17; }
        sample(x0, top - 4);
        text(x0 + 25, top, word, 'start', 'ink');
        x0 += 40 + wide(word);
      };
      const sample = (colour, dash) => (x, y) => line(x, y, x + 20, y, stroke(colour, 2, dash));
      const ring = (x, y) => add('circle', { cx: x, cy: y, r: 6, ...stroke('ink', 1.5) });
      if (alone) {
        entry(t('training loss'), sample('blue'));
        if (runs.some(({ low: a, high: b }) => a.some((v, i) => v < b[i])))
          entry(t('its range'), (x, y) => add('rect', { x, y: y - 5, width: 20, height: 10, fill: 'var(--blue)', 'fill-opacity': 0.3 }));
        if (record.runs[0].validation.length) {
          entry(t('validation loss'), (x, y) => add('circle', { cx: x + 10, cy: y, r: 3, fill: 'var(--orange)' }));
          entry(t('best'), (x, y) => ring(x + 10, y));
        }
      } else for (const { name, look } of runs) entry(name, sample(...look));
      if (recorded) entry(t('recorded run'), sample('edge'));
      top += 12;
      // What has to fit.
      const planned = runs.map(({ total, ended }) => (ended ? 0 : total));
      const last = Math.max(2, ...planned, ...runs.map(({ step }) => step.at(-1) ?? 0), planned.some(Boolean) ? 0 : recorded?.step.at(-1) ?? 0);
      const past = recorded ? recorded.step.map((s, i) => [s, recorded.loss[i]]).filter(([s]) => s <= last) : [];
      const lines = [...runs.flatMap((run) => [...run.loss.filter((v) => v != null), ...run.validation.map(([, v]) => v)]), ...past.map(([, v]) => v)];
      let low = lines.length ? Math.min(...lines) : 0, high = lines.length ? Math.max(...lines) : 1 + uniform;
      const reach = 0.5 * (high - low), bands = runs.flatMap((run) => [...run.low, ...run.high]).filter((v) => v != null);
      if (bands.length) [low, high] = [Math.max(low - reach, Math.min(low, ...bands)), Math.min(high + reach, Math.max(high, ...bands))];
      if (uniform > high && uniform < high + 0.4 * (high - low)) high = uniform;
      const log = Boolean(state.logy) && low > 0, margin = 0.04 * (high - low) || 0.05 * Math.abs(high) || 1;
      dials.logy.box.disabled = !(low > 0);
      [low, high] = log ? [low / 1.05, high * 1.05] : [low - margin, high + margin];
      const start = state.logx ? 1 : 0, x = scale(start, last, LEFT, right, state.logx), level = scale(low, high, top + HEIGHT, top, log);
      const y = (value) => level(clamp(value, low, high));
      const strips = ['learning_rate', 'gradient_norm'].filter((name) => runs.some((run) => run[name].some((v) => v != null)));
      const foot = top + HEIGHT, bottom = foot + 56 * strips.length, H = bottom + 24;
      for (const [name, value] of Object.entries({ viewBox: `0 0 ${W} ${H}`, width: W, height: H })) svg.setAttribute(name, value);
      const path = (xs, ys, f) => xs.map((s, i) => (ys[i] == null ? '' : `${i && ys[i - 1] != null ? 'L' : 'M'}${x(s).toFixed(1)} ${f(ys[i]).toFixed(1)}`)).join('');
      // Paper, lines to read off, words at them.
      for (const loss of ticks(low, high, 6, log)) {
        line(LEFT, y(loss), right, y(loss), stroke('line'));
        text(LEFT - 6, y(loss) + 4, String(loss), 'end');
      }
      for (const step of ticks(start, last, W / 110, state.logx).filter(Number.isInteger)) {
        line(x(step), bottom, x(step), bottom + 4, stroke('edge'));
        text(Math.min(x(step), right - 3.4 * count(step).length), bottom + 17, count(step), 'middle');
      }
      text(LEFT - 8, bottom + 17, t('step'), 'end');
      line(LEFT, foot, right, foot, stroke('edge'));
      if (uniform >= low && uniform <= high) {
        line(LEFT, y(uniform), right, y(uniform), stroke('ink', 1.2, '2 4'));
        text(right, y(uniform) + (y(uniform) < top + 14 ? 13 : -4), t('{loss}: a uniform guess', { loss: (record.guess && record.guess + ' = ') + written(uniform) }), 'end', 'ink');
      }
      if (past.length) add('path', { d: path(past.map(([s]) => s), past.map(([, v]) => v), y), ...stroke('edge', 1.5) });
      for (const run of runs) {
        const [colour, dash] = run.look, known = run.step.map((_, i) => i).filter((i) => run.low[i] != null);
        if (alone && known.length > 1)
          add('path', { fill: `var(--${colour})`, 'fill-opacity': 0.3, d: [...known.map((i) => [i, run.high]), ...known.reverse().map((i) => [i, run.low])].map(([i, edge], n) => `${n ? 'L' : 'M'}${x(run.step[i]).toFixed(1)} ${y(edge[i]).toFixed(1)}`).join('') + 'Z' });
        const soft = state.smooth > 0;
        if (soft) add('path', { d: path(run.step, run.loss, y), ...stroke(colour, 1), 'stroke-opacity': 0.5 });
        if (known.length === 1) add('circle', { cx: x(run.step[known[0]]), cy: y(run.loss[known[0]]), r: 3.5, fill: `var(--${colour})` });
        add('path', { d: path(run.step, soft ? smoothed(run.loss, state.smooth) : run.loss, y), ...stroke(colour, 2, alone ? '' : dash) });
      }
      if (alone && runs.length) marks(runs[0]);
      strips.forEach((name, i) => {
        const base = foot + 56 * (i + 1), most = Math.max(...runs.flatMap((run) => run[name].filter((v) => v != null))) || 1;
        line(LEFT, base, right, base, stroke('edge'));
        text(LEFT + 4, base - 40, name === 'learning_rate' ? t('learning rate') : t('gradient norm'));
        text(LEFT - 6, base - 28, written(most, 2), 'end');
        for (const run of runs) add('path', { d: path(run.step, run[name], scale(0, most, base, base - 36)), ...stroke(run.look[0], 1.3, alone ? '' : run.look[1]) });
      });
      function marks(run) {
        for (const step of run.resumed) {
          line(x(step), top, x(step), bottom, stroke('muted', 1, '1 3'));
          text(x(step) + 3, top + 30, t('resumed'));
        }
        for (const step of run.checkpoints) line(x(step), foot, x(step), foot - 6, stroke('ink'));
        for (const [step, loss] of run.validation) add('circle', { cx: x(step), cy: y(loss), r: 3, fill: 'var(--orange)' });
        const best = run.validation.reduce((a, b) => (a && a[1] <= b[1] ? a : b), null);
        if (best) ring(x(best[0]), y(best[1]));
        const said = (at, words, height, colour, more) => {
          const back = x(at) > W / 2;
          text(x(at) + (back ? -9 : 9), height, words, back ? 'end' : 'start', colour, more);
        };
        if (run.missing || run.ended === 'diverged') {
          const at = run.first_missing, place = Math.min(x(at), right - 5);
          line(place, top + 12, place, foot, { ...stroke('ink'), stroke: RED });
          add('path', { d: `M${place - 5} ${top + 1}l10 10m0-10l-10 10`, ...stroke('ink', 2.5), stroke: RED });
          said(at, t('not a number at {step}', { step: count(at) }), top + 11, 'ink', 'font-weight:600');
        }
        if (['stopped', 'early stop', 'short'].includes(run.ended) && run.step.length) {
          line(x(run.ended_at), top, x(run.ended_at), foot, stroke('ink', 1, '4 2'));
          said(run.ended_at, t('stopped at {step}', { step: count(run.ended_at) }), foot - 10, 'ink');
        }
      }
      plot.replaceChildren(svg);
      paint = { svg, x, y, top, bottom, stroke, W };
      origin.textContent = recorded?.caption ?? '';
      point();
    }
    // The line under the pointer, and the numbers there.
    function point() {
      const all = steps(), at = all.length ? all.reduce((a, b) => (Math.abs(b - state.at) < Math.abs(a - state.at) ? b : a)) : 0;
      const on = state.at !== '' && all.length > 0;
      paint.svg.querySelector('.cross')?.remove();
      const cross = make('svg:g', { class: 'cross' });
      const words = !on ? '' : shownRuns().map((run) => {
        const i = from(run, at), say = (text, name) => (run[name][i] == null ? '' : t(text, { value: written(run[name][i]), low: cell(run.low[i]), high: cell(run.high[i]) }));
        if (run.loss[i] != null) cross.append(make('svg:circle', { cx: paint.x(at), cy: paint.y(run.loss[i]), r: 4, ...paint.stroke('ink', 2) }));
        const loss = run.low[i] === run.high[i] ? say(t('loss {value}'), 'loss') : say(t('loss {value} ({low} … {high})'), 'loss');
        const more = record.runs.length > 1 ? [] : [say(t('learning rate {value}'), 'learning_rate'), say(t('gradient norm {value}'), 'gradient_norm'), say(t('{value} tokens/s'), 'tokens_per_second')];
        return [run.name, loss, ...more].filter(Boolean).join(' · ');
      }).join('; ');
      if (on) cross.prepend(make('svg:line', { x1: paint.x(at), x2: paint.x(at), y1: paint.top, y2: paint.bottom, ...paint.stroke('accent', 1.5) }));
      paint.svg.append(cross);
      read.textContent = on ? `${t('step {step}', { step: count(at) })} · ${words}` : t('Point at the curve, or focus it and use the arrow keys.');
      for (const [name, value] of Object.entries({ valuemin: all[0] ?? 0, valuemax: all.at(-1) ?? 0, valuenow: on ? at : all.at(-1) ?? 0, valuetext: read.textContent })) plot.setAttribute('aria-' + name, value);
    }
    const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 };
    ui.listen(plot, 'keydown', (event) => {
      const all = steps();
      if (event.key === 'Escape') return put({ at: '' });
      if (!(event.key in KEYS) || !all.length) return;
      event.preventDefault();
      const now = state.at === '' ? all.length : all.findIndex((step) => step >= state.at);
      put({ at: all[clamp((now < 0 ? all.length : now) + KEYS[event.key], 0, all.length - 1)] });
    });
    const hover = (event) => {
      const box = paint.svg.getBoundingClientRect(), place = ((event.clientX - box.left) * paint.W) / box.width;
      const all = steps();
      if (all.length) put({ at: all.reduce((a, b) => (Math.abs(paint.x(b) - place) < Math.abs(paint.x(a) - place) ? b : a)) });
    };
    ui.listen(plot, 'pointermove', hover);
    ui.listen(plot, 'pointerdown', hover);
    ui.link(() => state, (found) => {
      for (const name of Object.keys(state)) if (name in found) state[name] = name === 'off' ? found[name] : +found[name] || 0;
      state.smooth = clamp(state.smooth, 0, 0.99);
      if (!('at' in found)) state.at = '';
      dials.smooth.set(state.smooth);
      dials.logx.box.checked = state.logx;
      dials.logy.box.checked = state.logy;
      boxes.forEach(({ box }, i) => { box.checked = !hidden().has(i); });
    });
    const picked = () => standalone(paint.svg, ui);
    const NAMES = ['step', 'loss', 'low', 'high', 'learning_rate', 'gradient_norm', 'tokens_per_second'];
    ui.exports([
      ['SVG', 'loss_curve.svg', picked],
      ['PNG', 'loss_curve.png', () => picture(picked())],
      ['CSV', 'loss_curve.csv', () => csv(['run', ...NAMES, 'validation'], record.runs.flatMap((run) => [
        ...run.step.map((_, i) => [run.name, ...NAMES.map((name) => run[name][i] ?? ''), '']),
        ...run.validation.map(([step, loss]) => [run.name, step, '', '', '', '', '', '', loss]),
      ]))],
    ]);
    const fresh = () => {
      record = model.get('record');
      draw();
      ui.table(...numbers(record, t), t('Training and validation loss'));
      ui.sentence(sentence(record, t));
    };
    ui.onModel('change:record', fresh);
    fresh();
    const sized = new ResizeObserver(() => { if (paint.W !== clamp(ui.body.clientWidth || 640, 260, 860)) draw(); });
    sized.observe(ui.body);
    ui.later(() => sized.disconnect());
    return ui.dispose;
  },
};
