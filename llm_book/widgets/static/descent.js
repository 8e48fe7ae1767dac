// Two weights on their way down a surface. Surfaces are those of llm_book.widgets.surfaces, steps
// those of llm_book.training.optim.

const NAMES = { sgd: 'SGD', momentum: 'SGD + momentum', nesterov: 'SGD + Nesterov', adagrad: 'AdaGrad', adam: 'Adam', adamw: 'AdamW' };
const STROKES = { sgd: 'ink', momentum: 'blue', nesterov: 'orange', adagrad: 'green', adam: 'pink', adamw: 'muted' };
const DASHES = { momentum: '7 3', nesterov: '2 3', adagrad: '9 3 2 3', adam: '12 4', adamw: '4 4' };
const DEPTH = 0.3054284837439160, FAR = 1e9, BANDS = 14, CELLS = 300;

// Each: the loss, then its gradient, of x, y and the condition number.
const SURFACES = {
  bowl: [(x, y) => (x * x + y * y) / 2, (x, y) => [x, y]],
  valley: [(x, y, k) => (x * x + k * y * y) / 2, (x, y, k) => [x, k * y]],
  rosenbrock: [(x, y) => (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x),
    (x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]],
  saddle: [(x, y) => (x * x - y * y) / 2, (x, y) => [x, -y]],
  'two wells': [(x, y) => (x * x - 1) * (x * x - 1) + 0.3 * x + (y * y) / 2 + DEPTH,
    (x, y) => [4 * x * (x * x - 1) + 0.3, y]],
  plateau: [(x, y) => -Math.expm1(-(x * x + y * y) / 2),
    (x, y) => [x, y].map((w) => w * Math.exp(-(x * x + y * y) / 2))],
};
const lossAt = (r, [x, y]) => SURFACES[r.surface][0](x, y, r.condition);

// One weight after step n; `s` is what the optimiser remembers of it.
function moved(r, name, weight, g, s, n) {
  const rate = r.rates[name], kept = r.momentum, { beta2 } = r;
  if (name === 'sgd') return weight - rate * g;
  if (name === 'adagrad') return weight - (rate * g) / (Math.sqrt(s.square += g * g) + 1e-10);
  if (!name.startsWith('adam')) {
    s.mean = kept * s.mean + g;
    return weight - rate * (name === 'nesterov' ? g + kept * s.mean : s.mean);
  }
  if (name === 'adamw') weight *= 1 - rate * 0.01;
  s.mean = kept * s.mean + (1 - kept) * g;
  s.square = beta2 * s.square + (1 - beta2) * g * g;
  return weight - (rate * (s.mean / (1 - kept ** n))) / (Math.sqrt(s.square / (1 - beta2 ** n)) + 1e-8);
}
function path(r, name, steps = r.steps) {
  const gradient = SURFACES[r.surface][1], past = [0, 1].map(() => ({ mean: 0, square: 0 }));
  const points = [r.start];
  for (let n = 1; n <= steps; n++) {
    const here = points[n - 1], slope = gradient(...here, r.condition);
    points.push(here.map((weight, i) => moved(r, name, weight, slope[i], past[i], n)));
    if (!points[n].every((part) => Math.abs(part) <= FAR)) break;
  }
  return points;
}
const inside = ({ surfaces, surface }, point) =>
  point.every((part, i) => Math.abs(part - surfaces[surface].middle[i]) <= surfaces[surface].half);
// The step at which a path leaves the map for good; null where it ends on the map.
function leaves(r, points) {
  const last = points.findLastIndex((point) => inside(r, point));
  return last === points.length - 1 ? null : last + 1;
}
function highestRate({ surface, condition, momentum: kept }, name) {
  const steepest = { bowl: 1, valley: condition }[surface];
  return steepest && {
    sgd: ['2/λmax', 2 / steepest],
    momentum: ['2(1 + μ)/λmax', (2 * (1 + kept)) / steepest],
    nesterov: ['2(1 + μ)/(1 + 2μ)/λmax', (2 * (1 + kept)) / (1 + 2 * kept) / steepest],
  }[name];
}
const shown = (r) => Object.keys(NAMES).filter((name) => name !== r.optimizer && r.compared.includes(name));
const all = (r) => [r.optimizer, ...shown(r)];
const rounded = (value, least) => (Math.abs(value) < least ? 0 : value);
const lossText = (value) => written(rounded(value, 1e-9));
function placeText(value) {
  value = rounded(value, 5e-4);
  return Math.abs(value) === 1 ? String(value) : written(value);
}

function sentence(r, at, t) {
  const { minimum } = r.surfaces[r.surface], name = NAMES[r.optimizer];
  const paths = all(r).map((one) => [one, path(r, one, at)]);
  const points = paths[0][1], left = leaves(r, points), bound = highestRate(r, r.optimizer);
  const rate = r.rates[r.optimizer], [a, b] = (minimum ?? [0, 0]).map(placeText), [x, y] = points.at(-1).map(placeText);
  const values = { steps: at, name, x, y, a, b, loss: lossText(lossAt(r, points.at(-1))) };
  let said;
  if (left === null && !minimum) said = t('After {steps} steps {name} stands at ({x}, {y}), loss {loss}; there is no minimum, only a saddle at ({a}, {b}).', values);
  else if (left === null && r.surface === 'two wells') said = t('After {steps} steps {name} stands at ({x}, {y}), loss {loss}; the lower minimum is at ({a}, {b}).', values);
  else if (left === null) said = t('After {steps} steps {name} stands at ({x}, {y}), loss {loss}; the minimum is at ({a}, {b}).', values);
  else if (!bound || rate <= bound[1]) said = t('{name} leaves the map at step {step}.', { name, step: left });
  else said = t('{name} leaves the map at step {step}: the learning rate {rate} is above {bound} = {value}.',
    { name, step: left, rate: written(rate), bound: bound[0], value: written(bound[1]) });
  const stayed = paths.filter(([, one]) => leaves(r, one) === null)
    .map(([one, its]) => [one, rounded(lossAt(r, its.at(-1)), 1e-9)]);
  if (paths.length === 1 || !stayed.length) return said;
  const best = stayed.reduce((low, one) => (one[1] < low[1] ? one : low));
  return said + ' ' + t('Lowest of the {count} is {name}, loss {loss}.', { count: paths.length, name: NAMES[best[0]], loss: written(best[1]) });
}
function rows(r, at) {
  return all(r).map((name) => {
    const points = path(r, name, at), end = points.at(-1);
    return [NAMES[name], written(r.rates[name]), ...end.map(placeText), lossText(lossAt(r, end)), String(leaves(r, points) ?? '–')];
  });
}

// The surface on a grid from top left, row after row, 0 where it is lowest to 1.
function heights(r, cells) {
  const { middle: [a, b], half, bend } = r.surfaces[r.surface], loss = SURFACES[r.surface][0], side = cells + 1;
  const grid = new Float64Array(side * side), step = (2 * half) / cells;
  let low = Infinity, high = -Infinity;
  for (let row = 0, i = 0; row < side; row++)
    for (let column = 0; column < side; column++, i++) {
      const value = grid[i] = loss(a - half + column * step, b + half - row * step, r.condition);
      if (value < low) low = value;
      if (value > high) high = value;
    }
  return grid.map((value) => Math.log1p((bend * (value - low)) / (high - low)) / Math.log1p(bend));
}
const MAP = { light: [[104, 158, 178], [246, 249, 250]], dark: [[62, 112, 128], [22, 29, 32]] };
function paint(canvas, r, theme) {
  const grid = heights(r, CELLS - 1), picture = new ImageData(CELLS, CELLS), [low, high] = MAP[theme];
  grid.forEach((value, i) => {
    const share = Math.min(Math.floor(value * BANDS), BANDS - 1) / (BANDS - 1);
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = low[c] + (high[c] - low[c]) * share;
    picture.data[4 * i + 3] = 255;
  });
  canvas.getContext('2d').putImageData(picture, 0, 0);
}

export default {
  path,
  heights,
  sentence,
  rows,
  render({ model, el }) {
    const ui = shell({ model, el, css: `.pair { display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: flex-start; }
      .map { position: relative; flex: none; border: 1px solid var(--edge); cursor: crosshair; }
      .map canvas { position: absolute; inset: 0; width: 100%; height: 100%; } .map svg { position: relative; }
      .start { touch-action: none; cursor: grab; } .side { flex: 1 1 250px; min-width: 0; }
      fieldset { border: 0; padding: 0; margin: 0 0 10px; } legend { font-size: 13px; font-weight: 600; padding: 0; }
      fieldset label { display: flex; min-height: 26px; color: var(--ink); } fieldset .value { margin-left: auto; }
      .time { font-size: 13px; display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: end; margin-top: 8px; }
      .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }` });
    const { t } = ui;
    let r, at, timer = null, side = 0;
    const take = (record) => {
      r = { ...record, rates: { ...record.rates }, start: [...record.start], compared: [...record.compared] };
      at = r.steps;
    };
    take(model.get('record'));
    const canvas = make('canvas', { width: CELLS, height: CELLS, 'aria-hidden': 'true' });
    const over = make('svg:svg', { 'aria-hidden': 'true' }), losses = make('svg:svg', { 'aria-hidden': 'true' });
    const map = make('div', { class: 'map', tabindex: 0, role: 'application',
      'aria-label': t('Map of the loss; the arrow keys move the start, Home puts it back') }, canvas, over);
    const who = make('fieldset', {}), time = make('div', { class: 'time' });
    ui.body.append(make('div', { class: 'pair' }, make('div', {}, map, time), make('div', { class: 'side' }, who, losses)));

    const two = (power) => +(10 ** power).toPrecision(2);
    const log = (label, min, max, value, act) => slider(label, { min, max, step: 0.01, value: Math.log10(value) },
      (power) => act(two(power)), (power) => written(two(power), 2));
    const names = { bowl: t('bowl'), valley: t('valley'), rosenbrock: t('banana valley (Rosenbrock)'), saddle: t('saddle'),
      'two wells': t('two wells'), plateau: t('plateau') };
    function put(change, repaint) {
      r = { ...r, ...change };
      draw(repaint);
      tell();
    }
    function tell() {
      const { surfaces, ...state } = r;
      model.set('state', { ...state, step: at });
      model.save_changes();
    }
    function build() {
      const kept = [0.9, 0.95, 0.99, 0.999, 0.9999];
      if (!kept.includes(r.beta2)) kept.push(r.beta2);
      ui.controls.replaceChildren(
        select(t('surface'), Object.entries(names), r.surface, (name) => {
          const { start, rates } = r.surfaces[name];
          r = { ...r, surface: name, start: [...start], rates: { ...rates } };
          again(0);
        }),
        select(t('optimiser'), Object.entries(NAMES), r.optimizer, (name) => {
          r = { ...r, optimizer: name };
          again(1);
        }),
        log(t('learning rate'), -5, 1, r.rates[r.optimizer], (rate) => put({ rates: { ...r.rates, [r.optimizer]: rate } })),
        slider(t('momentum μ, β₁'), { min: 0, max: 0.99, step: 0.01, value: r.momentum }, (momentum) => put({ momentum }), (value) => written(value, 2)),
        select('β₂', kept.map((value) => [value, String(value)]), r.beta2, (value) => put({ beta2: +value })),
        ...(r.surface === 'valley' ? [log(t('condition number'), 0, 3, r.condition, (condition) => put({ condition }, true))] : []));
      who.replaceChildren(make('legend', {}, t('Paths')), ...Object.keys(NAMES).map((name) => {
        const mine = name === r.optimizer, box = checkbox('', mine || r.compared.includes(name), (on) =>
          put({ compared: on ? [...r.compared, name] : r.compared.filter((one) => one !== name) }));
        box.box.disabled = mine;
        box.append(sample(name), NAMES[name], make('span', { class: 'value', 'data-name': name }));
        return box;
      }));
      const steps = slider(t('step'), { min: 0, max: r.steps, step: 1, value: at }, (value) => { stop(); at = value; draw(); tell(); }, String);
      const play = button(t('Play'), () => (timer ? stop() : start()));
      time.replaceChildren(play, steps);
      time.play = play;
      time.steps = steps;
    }
    function again(nth) {
      stop();
      build();
      ui.controls.querySelectorAll('select')[nth].focus();
      draw(true);
      tell();
    }
    const sample = (name) => make('svg:svg', { viewBox: '0 0 28 8', width: 28, height: 8, 'aria-hidden': 'true' },
      make('svg:line', { x1: 0, x2: 28, y1: 4, y2: 4, ...stroke(name) }));
    const stroke = (name) => ({ stroke: `var(--${STROKES[name]})`, 'stroke-width': 2.5, 'stroke-dasharray': DASHES[name], fill: 'none' });

    function stop() {
      clearInterval(timer);
      timer = null;
      if (time.play) time.play.textContent = t('Play');
    }
    function start() {
      if (matchMedia('(prefers-reduced-motion: reduce)').matches) at = r.steps;
      else {
        if (at >= r.steps) at = 0;
        time.play.textContent = t('Pause');
        timer = setInterval(() => {
          at += 1;
          if (at >= r.steps) stop();
          time.steps.set(at);
          draw();
        }, 80);
      }
      time.steps.set(at);
      draw();
    }

    const place = ([x, y]) => {
      const { middle: [a, b], half } = r.surfaces[r.surface], cut = (v) => clamp(v, -20 * side, 20 * side);
      return [cut(((x - a + half) / (2 * half)) * side), cut(((b + half - y) / (2 * half)) * side)];
    };
    function draw(repaint) {
      side = clamp(Math.floor(ui.body.clientWidth || 420) - 2, 240, 420);
      if (repaint) paint(canvas, r, ui.theme());
      const paths = all(r).map((name) => [name, path(r, name, at)]);
      map.style.width = `${side + 2}px`;
      drawMap(paths);
      drawLosses(paths);
      for (const box of who.querySelectorAll('.value')) {
        const found = paths.find(([name]) => name === box.dataset.name);
        box.textContent = found ? lossText(lossAt(r, found[1].at(-1))) : '';
      }
      ui.table([t('optimiser'), t('learning rate'), 'x', 'y', t('loss'), t('leaves the map at step')], rows(r, at), t('Where each path stands'));
      ui.sentence(sentence(r, at, t));
    }
    function drawMap(paths) {
      const { middle, half, minimum } = r.surfaces[r.surface], parts = [];
      const put = (tag, attributes, ...text) => parts.push(make('svg:' + tag, attributes, ...text));
      for (const n of [-1, -0.5, 0, 0.5, 1]) {
        const [x] = place([middle[0] + n * half, 0]), [, y] = place([0, middle[1] + n * half]);
        put('text', { x: clamp(x, 12, side - 12), y: side - 5, 'text-anchor': 'middle', class: 'halo' }, String(middle[0] + n * half));
        if (n > -1) put('text', { x: 4, y: clamp(y + 4, 13, side), class: 'halo' }, String(middle[1] + n * half));
      }
      for (const [name, points] of [...paths].reverse()) {
        const line = points.map((point) => place(point).map((v) => v.toFixed(1)).join()).join(' '), dot = `url(#dot-${name})`;
        put('marker', { id: 'dot-' + name, viewBox: '-3 -3 6 6', markerWidth: 6, markerHeight: 6, markerUnits: 'userSpaceOnUse' },
          make('svg:circle', { r: 2.5, fill: `var(--${STROKES[name]})` }));
        put('polyline', { points: line, fill: 'none', stroke: 'var(--paper)', 'stroke-width': 5.5 });
        put('polyline', { points: line, ...stroke(name), 'marker-mid': dot });
        const [x, y] = place(points.at(-1));
        put('circle', { cx: x, cy: y, r: 5.5, fill: `var(--${STROKES[name]})`, stroke: 'var(--paper)', 'stroke-width': 2 });
      }
      if (minimum) {
        const [x, y] = place(minimum), cross = `M${x - 6} ${y - 6}l12 12m0-12l-12 12`;
        put('path', { d: cross, stroke: 'var(--paper)', 'stroke-width': 5 });
        put('path', { d: cross, stroke: 'var(--ink)', 'stroke-width': 2 });
      }
      const [x, y] = place(r.start);
      put('circle', { cx: x, cy: y, r: 8, fill: 'none', stroke: 'var(--paper)', 'stroke-width': 5 });
      put('circle', { cx: x, cy: y, r: 8, fill: 'none', stroke: 'var(--ink)', 'stroke-width': 2 });
      put('circle', { cx: x, cy: y, r: 15, fill: 'transparent', class: 'start' });
      size(over, side, side);
      over.replaceChildren(...parts);
    }
    const size = (node, width, height) => {
      for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) node.setAttribute(name, value);
    };
    // Loss against step: by powers of ten where the loss ends at 0, straight on the saddle.
    function drawLosses(paths) {
      const width = clamp(losses.parentNode.clientWidth || 280, 200, 420), height = 210, straight = !r.surfaces[r.surface].minimum;
      const of = (point) => (straight ? clamp(lossAt(r, point), -4, 4) : Math.log10(clamp(lossAt(r, point), 1e-9, 1e4)));
      const curves = paths.map(([name, points]) => [name, points.map(of)]), values = curves.flatMap(([, curve]) => curve);
      const low = Math.floor(Math.min(...values)), high = Math.max(Math.ceil(Math.max(...values)), low + 1);
      const x = (step) => 44 + ((width - 54) * step) / r.steps, y = (value) => height - 24 - ((height - 46) * (value - low)) / (high - low);
      const parts = [make('svg:text', { x: 2, y: 13 }, t('loss'))], every = Math.ceil((high - low) / 5);
      for (let n = low; n <= high; n += every)
        parts.push(make('svg:line', { x1: 44, x2: width - 10, y1: y(n), y2: y(n), stroke: 'var(--line)' }),
          make('svg:text', { x: 40, y: y(n) + 4, 'text-anchor': 'end' }, straight ? String(n) : written(10 ** n, 1)));
      for (const step of [0, r.steps]) parts.push(make('svg:text', { x: x(step), y: height - 6, 'text-anchor': step ? 'end' : 'start' }, step ? `${t('step')} ${step}` : '0'));
      parts.push(make('svg:line', { x1: x(at), x2: x(at), y1: 20, y2: height - 24, stroke: 'var(--edge)' }));
      for (const [name, curve] of curves.reverse())
        parts.push(make('svg:polyline', { points: curve.map((value, n) => `${x(n).toFixed(1)},${y(value).toFixed(1)}`).join(' '), ...stroke(name) }));
      size(losses, width, height);
      losses.replaceChildren(...parts);
    }

    function begin(point) {
      const { middle, half } = r.surfaces[r.surface];
      put({ start: point.map((part, i) => +clamp(part, middle[i] - half, middle[i] + half).toFixed(4)) });
    }
    const under = (event) => {
      const box = over.getBoundingClientRect(), { middle: [a, b], half } = r.surfaces[r.surface];
      return [a - half + (2 * half * (event.clientX - box.left)) / box.width, b + half - (2 * half * (event.clientY - box.top)) / box.height];
    };
    let held = false;
    ui.listen(map, 'pointerdown', (event) => {
      held = event.target.classList?.contains('start') ?? false;
      if (held) map.setPointerCapture(event.pointerId);
    });
    ui.listen(map, 'pointermove', (event) => { if (held) begin(under(event)); });
    for (const kind of ['pointerup', 'pointercancel']) ui.listen(map, kind, () => { setTimeout(() => { held = false; }); });
    ui.listen(map, 'click', (event) => { if (!held) begin(under(event)); });
    ui.listen(map, 'keydown', (event) => {
      const { half, start } = r.surfaces[r.surface], far = half / (event.shiftKey ? 5 : 25);
      const way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[event.key];
      if (!way && event.key !== 'Home') return;
      event.preventDefault();
      begin(way ? r.start.map((part, i) => part + way[i]) : start);
      const [x, y] = r.start.map(placeText);
      ui.say(t('The start is at ({x}, {y})', { x, y }));
    });

    const wide = () => ui.body.clientWidth;
    let seen = wide();
    const watch = new ResizeObserver(() => { if (wide() !== seen) { seen = wide(); draw(); } });
    watch.observe(ui.body);
    ui.later(() => watch.disconnect());
    ui.later(stop);
    ui.link(() => ({ surface: r.surface, optimizer: r.optimizer, compared: r.compared.join('.'), rate: r.rates[r.optimizer],
      momentum: r.momentum, beta2: r.beta2, condition: r.condition, x: r.start[0], y: r.start[1], step: at }), follow);
    function follow(state) {
      if (Object.hasOwn(SURFACES, state.surface)) {
        r.surface = state.surface;
        r.rates = { ...r.surfaces[r.surface].rates };
        r.start = r.surfaces[r.surface].start;
      }
      if (Object.hasOwn(NAMES, state.optimizer)) r.optimizer = state.optimizer;
      r.compared = (state.compared ?? '').split('.').filter((name) => Object.hasOwn(NAMES, name));
      const read = (text, low, high, old) => (text && +text >= low && +text <= high ? +text : old);
      r.rates[r.optimizer] = read(state.rate, 1e-6, 10, r.rates[r.optimizer]);
      r.momentum = read(state.momentum, 0, 0.999, r.momentum);
      r.beta2 = read(state.beta2, 0, 0.99999, r.beta2);
      r.condition = read(state.condition, 1, 1000, r.condition);
      at = Math.round(read(state.step, 0, r.steps, r.steps));
      const point = [+state.x, +state.y];
      if (inside(r, point)) r.start = point;
    }
    const whole = () => {
      const copy = over.cloneNode(true);
      copy.prepend(make('svg:image', { href: canvas.toDataURL(), width: side, height: side }));
      return standalone(copy, ui);
    };
    ui.exports([
      ['SVG', 'descent.svg', whole],
      ['PNG', 'descent.png', () => picture(whole())],
      ['CSV', 'descent.csv', () => csv([t('optimiser'), t('step'), 'x', 'y', t('loss')], all(r).flatMap((name) =>
        path(r, name).map((point, step) => [NAMES[name], step, ...point, lossAt(r, point)])))],
    ]);
    ui.onModel('change:record', () => { stop(); take(model.get('record')); build(); draw(true); });
    build();
    ui.themed(() => draw(true));
    return ui.dispose;
  },
};
