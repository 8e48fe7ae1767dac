// How much every token takes from every other: overview, matrix, text, lines, calculation.

// (checkpoint, layer, head) → one map, row after row. What travels is one place of all maps, then
// the next; of causal maps the lower triangle; floats, or a byte for each root.
function reader({ shape: [C, L, H, Q, K], triangle, exact, relation }, blob) {
  const raw = bytesOf(blob), stored = exact ? new Float32Array(raw.slice().buffer) : raw;
  const weights = Array.from({ length: 256 }, (_, code) => {
    const root = relation === 'difference' ? (code - 128) / 127 : code / 255;
    return root * Math.abs(root);
  });
  return (c, l, h, map = new Float64Array(Q * K)) => {
    const step = C * L * H;
    let at = (c * L + l) * H + h;
    for (let q = 0; q < Q; q++) for (let k = 0; k < (triangle ? q + 1 : K); k++, at += step)
      map[q * K + k] = exact ? stored[at] : weights[stored[at]];
    return map;
  };
}

// Scores and shares of one map, as llm_book.widgets.attention_scores.head_numbers has them.
function numbers(map, { shape: [, , , Q, K], queries, relation }) {
  const found = {}, mean = (act, from = 1, to = Q) => {
    let sum = 0;
    for (let q = from; q < to; q++) sum += act(q);
    return sum / (to - from);
  };
  const row = (q, act) => {
    let sum = 0;
    for (let k = 0; k < K; k++) if (map[q * K + k]) sum += act(map[q * K + k], k);
    return sum;
  };
  found.entropy = mean((q) => row(q, (a) => -a * Math.log2(a)), 0);
  if (relation === 'cross' || Q < 2) return found;
  found.distance = mean((q) => row(q, (a, k) => a * Math.abs(q - k)), 0);
  found.previous = mean((q) => map[q * K + q - 1]);
  found.first = mean((q) => map[q * K]);
  found.itself = mean((q) => map[q * K + q]);
  found.after = mean((q) => map[q * K + q + 1], 0, Q - 1);
  let mass = 0, rows = 0;
  for (let q = 1; q < Q; q++) if (queries.indexOf(queries[q]) < q) {
    rows++;
    mass += row(q, (a, k) => (k && k <= q && queries[k - 1] === queries[q] ? a : 0));
  }
  if (rows) found.induction = mass / rows;
  return found;
}

// Places of the largest weights in falling order, signs aside, zeros left out.
function strongest(map, { shape: [, , , Q, K], triangle }, count, [q0, q1, k0, k1] = [0, Q, 0, K]) {
  const top = [];
  for (let q = Math.max(q0, triangle && Q > 1 ? 1 : 0); q < q1; q++) for (let k = k0; k < k1; k++) {
    const at = q * K + k, size = Math.abs(map[at]);
    if (!size || (top.length === count && size <= Math.abs(map[top[count - 1]]))) continue;
    let place = top.length;
    while (place && Math.abs(map[top[place - 1]]) < size) place--;
    top.splice(place, 0, at);
    top.length = Math.min(top.length, count);
  }
  return top;
}

function product(a, b, rows, inner, columns) {
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let i = 0; i < inner; i++) {
    const x = a[r * inner + i];
    if (x) for (let c = 0; c < columns; c++) out[r * columns + c] += x * b[i * columns + c];
  }
  return out;
}

// Half of each state goes past the attention, half through the mean of the heads.
function rollout(read, { shape: [, , H, Q] }, c, last) {
  let reached;
  for (let l = 0; l <= last; l++) {
    const mix = new Float64Array(Q * Q);
    for (let h = 0; h < H; h++) read(c, l, h).forEach((a, i) => { mix[i] += a / 2 / H; });
    for (let q = 0; q < Q; q++) mix[q * Q + q] += 0.5;
    reached = l ? product(mix, reached, Q, Q, Q) : mix;
  }
  return reached;
}

function calculated({ query, key, value, mask, width, out }, [, , , Q, K]) {
  const turned = [], weights = new Float64Array(Q * K);
  key.forEach((x, i) => { turned[(i % width) * K + Math.floor(i / width)] = x; });
  const raw = product(query, turned, Q, width, K), scaled = raw.map((x) => x / Math.sqrt(width));
  const masked = mask ? scaled.map((x, i) => (mask[i] ? x : -Infinity)) : scaled;
  for (let q = 0; q < Q; q++) {
    const row = masked.slice(q * K, q * K + K), top = Math.max(...row), parts = row.map((x) => Math.exp(x - top));
    const whole = parts.reduce((sum, part) => sum + part);
    weights.set(parts.map((part) => part / whole), q * K);
  }
  return { raw, scaled, masked, weights, output: product(weights, value, Q, K, out) };
}

// How far a number as written may be from the weight, rounded up to one digit.
function stray(value, step) {
  const size = Math.abs(value), unit = (x) => 10 ** Math.floor(Math.log10(x));
  const most = 2 * Math.sqrt(size) * step + step * step + (size ? 0.005 * unit(size) : 0);
  return Math.ceil(most / unit(most)) * unit(most);
}

// 256 colours [red, green, blue], paper to far from paper, one a byte of the encoding.
function ramp(theme, signed) {
  const [paper, rise, fall] = theme === 'dark'
    ? [[20, 25, 27], [[48, 112, 158], [214, 236, 250]], [[168, 92, 28], [255, 222, 180]]]
    : [[253, 253, 251], [[106, 161, 203], [10, 40, 88]], [[222, 146, 82], [104, 38, 0]]];
  return Array.from({ length: 256 }, (_, code) => {
    const spot = 2 * Math.min(1, signed ? Math.abs(code - 128) / 127 : code / 255), low = spot < 1 ? 0 : 1;
    const stops = [paper, ...(signed && code <= 128 ? fall : rise)];
    return paper.map((_, i) => Math.round(stops[low][i] + (stops[low + 1][i] - stops[low][i]) * (spot - low)));
  });
}
const codeOf = (a, signed) => {
  const root = Math.sqrt(Math.abs(a)) * (signed ? 127 : 255) + 0.5;
  return signed ? 128 + Math.sign(a) * Math.min(127, Math.floor(root)) : Math.min(255, Math.floor(root));
};
const isSigned = (data, state) => data.relation === 'difference' || state.show === 'difference';

function weight(value, data, { show = 'head' } = {}) {
  if (data.exact) return written(value);
  if (show !== 'head') return '≈ ' + written(value);
  return `${written(value)} ± ${written(stray(value, data.relation === 'difference' ? 0.5 / 127 : 0.5 / 255), 1)}`;
}
function nameOf({ layers, heads, total }, { show, layer, head, minus }, t) {
  const said = { layer: layers[layer], head: heads[head], minus: heads[minus], heads: heads.length };
  if (show === 'mean') return t('Layer {layer}, mean of {heads} heads', said);
  if (show === 'max') return t('Layer {layer}, largest of {heads} heads', said);
  if (show === 'difference') return t('Layer {layer}, head {head} minus head {minus}', said);
  if (show === 'rollout') return t('Rollout to layer {layer}', said);
  return t('Layer {layer}, head {head} of {heads}', { ...said, heads: total });
}
// Which rows and columns are shown: of two sentences A and B, "AB" is what A takes from B.
function rangeOf({ shape: [, , , Q, K], split }, { block }) {
  const side = (letter, whole) => (letter === 'A' ? [0, split] : letter === 'B' ? [split, whole] : [0, whole]);
  return [...side(block?.[0], Q), ...side(block?.[1], K)];
}
function sentence(data, state, map, t) {
  const { queries, keys, shape: [, , , , K] } = data, name = nameOf(data, state, t), range = rangeOf(data, state);
  const link = (i) => `“${queries[Math.floor(i / K)]}” → “${(keys ?? queries)[i % K]}”, ${weight(map[i], data, state)}`;
  const top = (part) => strongest(part, data, 1, range)[0];
  const said = [];
  if (isSigned(data, state)) {
    const rise = top(map.map((a) => Math.max(a, 0))), fall = top(map.map((a) => Math.min(a, 0)));
    said.push(rise === undefined || fall === undefined ? t('{name}: nothing moved from one link to another.', { name })
      : t('{name}: the largest rise is {rise}; the largest fall is {fall}.', { name, rise: link(rise), fall: link(fall) }));
  } else {
    const found = numbers(map, data), best = top(map);
    let where = '', share = 0;
    for (const [place, words] of [['previous', t('the token just before')], ['first', t('the first token')], ['itself', t('the token itself')],
      ['after', t('the token just after')], ['induction', t('what followed the same token earlier')]])
      if (found[place] > share + 1e-9) [where, share] = [words, found[place]];
    const values = { name, share: written(100 * share), where, link: best === undefined ? '–' : link(best) };
    said.push(where && state.show !== 'max' ? t('{name}: on average {share} % of the weight lies on {where}; the strongest link is {link}.', values)
      : t('{name}: the strongest link is {link}.', values));
    if (state.block && state.show !== 'max') {
      let sum = 0;
      for (let q = range[0]; q < range[1]; q++) for (let k = range[2]; k < range[3]; k++) sum += map[q * K + k];
      said.push(t('Sentence {from} gives {share} % of its weight to sentence {to}.', { from: state.block[0], to: state.block[1], share: written((100 * sum) / (range[1] - range[0])) }));
    }
  }
  return [...said, data.caption].filter(Boolean).join(' ');
}

const CSS = `
[hidden] { display: none !important; }
.drawn { position: relative; } .drawn canvas { position: absolute; left: 0; top: 0; }
.drawn svg { position: relative; max-width: none; } .drawn text { forced-color-adjust: none; }
.help { color: var(--muted); font-size: 13px; margin: 4px 0 0; } .readout { margin: 6px 0 0; }
.words { margin: 0 0 10px; } .words b { display: block; }
.token { display: inline-block; padding: 1px 4px; margin: 1px; border-radius: 3px; line-height: 1.25; min-width: 26px;
vertical-align: top; text-align: center; forced-color-adjust: none; cursor: pointer; }
.token::after { content: attr(data-w); display: block; font-size: 11px; min-height: 14px; }
.now { outline: 2px solid var(--accent); outline-offset: -1px; } .steps { display: flex; flex-wrap: wrap; gap: 4px 18px; }
`;

// A map as points of a picture: a cell fills its place; of cells on one point the strongest is seen.
function points(map, { shape: [, , , , K], triangle }, [q0, q1, k0, k1], inks, signed, side, high) {
  const image = new ImageData(side, high), words = new Uint32Array(image.data.buffer);
  const edges = (from, to, size) => Int32Array.from({ length: size + 1 }, (_, i) => from + Math.floor((i * (to - from)) / size));
  const rows = edges(q0, q1, high), columns = edges(k0, k1, side);
  words.fill(inks[codeOf(0, signed)]);
  for (let y = 0, at = 0; y < high; y++) {
    const bottom = Math.max(rows[y] + 1, rows[y + 1]);
    if (y && rows[y - 1] === rows[y] && bottom === rows[y] + 1) words.copyWithin(at, at - side, at);
    else for (let x = 0; x < side && !(triangle && columns[x] >= bottom); x++) {
      let top = 0;
      for (let q = rows[y], right = Math.max(columns[x] + 1, columns[x + 1]); q < bottom; q++) for (let k = columns[x]; k < right; k++)
        if (Math.abs(map[q * K + k]) > Math.abs(top)) top = map[q * K + k];
      words[at + x] = inks[codeOf(top, signed)];
    }
    at += side;
  }
  return image;
}
const inkOn = (shade) => (shade.reduce((sum, c, i) => sum + [0.21, 0.72, 0.07][i] * (c / 255) ** 2.2, 0) > 0.18 ? '#000' : '#fff');
const short = (a) => a.toFixed(2).replace(/^(-?)0/, '$1');
const box = (x, y, width, height, fill, stroke, thick = 1) =>
  make('svg:rect', { x, y, width, height, fill: fill || 'none', stroke: stroke && `var(--${stroke})`, 'stroke-width': thick, class: thick > 1 && 'cursor' });
const label = (x, y, text, anchor, ink = 'var(--ink)', turned = false) =>
  make('svg:text', { x, y, 'text-anchor': anchor, style: `fill:${ink}`, transform: turned && `rotate(-90 ${x} ${y})` }, text);

export default {
  reader, numbers, strongest, rollout, calculated, stray, ramp, codeOf, rangeOf, sentence,
  render({ model, el }) {
    const ui = shell({ model, el, css: CSS }), { t } = ui, ruler = make('canvas').getContext('2d');
    ruler.font = '12px system-ui, sans-serif';
    const canvas = make('canvas'), svg = make('svg:svg'), words = make('div'), drawn = make('div', { class: 'drawn', 'aria-hidden': 'true' }, canvas, svg);
    const stage = make('div', { class: 'scroll', tabindex: 0, role: 'application', 'aria-describedby': 'help' }, drawn, words), readout = make('p', { class: 'readout' });
    ui.body.append(stage, readout, make('p', { class: 'help', id: 'help' }, t('Arrows move, Home and End jump; PageUp and PageDown change the layer, [ and ] the head; Enter pins a token or enlarges a head, Esc unpins.')));
    let data, queries, keys, L, H, Q, K, read, map, state, range, signed, shades, plan, painted, told, order, controls, allowed, scored;

    function load() {
      data = model.get('record');
      const { relation, steps, split, checkpoints, shape: [C] } = data, plain = relation !== 'difference', many = checkpoints.length - 1;
      [, L, H, Q, K] = data.shape;
      queries = data.queries;
      keys = data.keys ?? queries;
      read = reader(data, model.get('blob'));
      told = painted = '';
      scored = {};
      const several = H > 1 && plain, pick = (list) => list.map((n, i) => [i, n]);
      const [layer, head] = data.start, ordered = plain && relation !== 'cross' && Q > 1, again = ordered && new Set(queries).size < Q, best = strongest(read(many, layer, head), data, 1)[0] ?? 0;
      const one = () => !['overview', 'steps'].includes(state.mode), shown = (...names) => () => one() && names.includes(state.show);
      const choices = {
        mode: [t('view'), [L * H > 1 && ['overview', t('overview')], ['matrix', t('matrix')], ['text', t('coloured text')], ['lines', t('lines')], steps && ['steps', t('calculation')]], () => 1],
        show: [t('weights of'), [['head', t('one head')], H > 1 && ['mean', t('mean of heads')], several && ['max', t('largest of heads')],
          several && ['difference', t('difference of two heads')], data.rolls && L > 1 && ['rollout', t('rollout')]], one],
        layer: [t('layer'), pick(data.layers), one],
        head: [t('attention head'), pick(data.heads), shown('head', 'difference')],
        minus: [t('minus head'), pick(data.heads), shown('difference')],
        sort: [t('sort by'), [['', t('layer and head')], ordered && ['previous', t('weight on the token before')], ordered && ['first', t('weight on the first token')],
          again && ['induction', t('weight after the same token')], ordered && ['distance', t('distance in tokens')], plain && ['entropy', t('entropy in bits')]], () => state.mode === 'overview'],
        block: [t('sentences'), [['', t('all')], ...['AA', 'AB', 'BA', 'BB'].map((name) => split && [name, [...name].join(' → ')])], () => state.mode !== 'steps'],
      };
      allowed = { checkpoint: C - 1, q: Q - 1, k: K - 1, pin: 1, side: ['q', 'k'] };
      controls = {};
      for (const [name, [text, all, when]] of Object.entries(choices)) {
        const options = all.filter(Boolean);
        allowed[name] = options[0][0] === 0 ? options.length - 1 : options.map(([key]) => key);
        controls[name] = [select(text, options, '', (value) => put({ [name]: value })), () => options.length > 1 && when()];
      }
      controls.threshold = [slider(t('lines from'), { min: 0, max: 1, step: 0.01, value: 0 }, (threshold) => put({ threshold })), () => state.mode === 'lines'];
      controls.checkpoint = [slider(t('checkpoint'), { min: 0, max: many, step: 1, value: 0 }, (checkpoint) => put({ checkpoint }), (i) => checkpoints[i]), () => many && state.mode !== 'steps'];
      state = { mode: '', show: 'head', layer, head, minus: +!head, checkpoint: many, q: Math.floor(best / K), k: best % K, side: 'q', pin: 0, threshold: 0.1, sort: '', block: '', ...state };
      const form = JSON.stringify([allowed, data.layers, data.heads, checkpoints]);
      if (form !== load.form) ui.controls.replaceChildren(...Object.values(controls).map(([control]) => control));
      else controls = load.controls;
      Object.assign(load, { form, controls });
    }
    // A link or a kernel may say anything; what does not exist becomes what does.
    function fix() {
      for (const [name, limit] of Object.entries(allowed)) {
        if (Array.isArray(limit)) { if (!limit.includes(state[name])) [state[name]] = limit; }
        else state[name] = clamp(Math.round(state[name]) || 0, 0, limit);
      }
      state.threshold = clamp(+state.threshold || 0, 0, 1);
      if (state.mode === 'steps') Object.assign(state, { show: 'head', block: '', checkpoint: allowed.checkpoint, layer: data.steps.layer, head: data.steps.head });
      range = rangeOf(data, state);
      state.q = clamp(state.q, range[0], range[1] - 1);
      state.k = clamp(state.k, range[2], range[3] - 1);
      signed = isSigned(data, state.mode === 'overview' ? {} : state);
      shades = ramp(ui.theme(), signed);
    }
    function current() {
      const { checkpoint: c, layer: l, head: h, minus, show } = state, one = read(c, l, h);
      const fold = (act) => data.heads.map((_, i) => read(c, l, i)).reduce((sum, next) => sum.map((a, i) => act(a, next[i])));
      if (show === 'mean') return fold((a, b) => a + b).map((a) => a / H);
      if (show === 'max') return fold(Math.max);
      if (show === 'rollout') return rollout(read, data, c, l);
      if (show === 'head') return one;
      const other = read(c, l, minus);
      return one.map((a, i) => a - other[i]);
    }
    const fit = (text, room = 90) => {
      let cut = [...text];
      while (cut.length > 1 && ruler.measureText(cut.join('')).width > room) cut = [...cut.slice(0, -2), '…'];
      return cut.join('');
    };
    const widest = (tokens) => Math.ceil(Math.max(...tokens.map((token) => ruler.measureText(fit(token)).width)));
    const each = (act) => { for (let q = range[0]; q < range[1]; q++) for (let k = range[2]; k < range[3]; k++) if (map[q * K + k]) act(map[q * K + k], q, k); };
    const shadeOf = (a) => shades[codeOf(a, signed)];

    // Each of these says how large it is, where the cursor stands, what a point means; what is drawn, and which maps where.
    function matrix(room) {
      const [q0, q1, k0, k1] = range, rows = q1 - q0, columns = k1 - k0, left = 10 + widest(queries.slice(q0, q1)), high = widest(keys.slice(k0, k1));
      const cell = Math.max(Math.min(36, Math.floor((room - left - 2) / columns)), clamp(Math.floor(6000 / Math.max(rows, columns)), 1, 6));
      const flat = high < cell - 2, top = flat ? 20 : 12 + high, every = Math.ceil(13 / cell), foot = top + cell * rows, wide = cell * columns;
      const x = left + (state.k - k0) * cell, y = top + (state.q - q0) * cell, parts = [box(left - 0.5, top - 0.5, wide + 1, foot - top + 1, '', 'line')];
      const names = (from, to, now, act) => {
        for (let i = from; i < to; i += every) if (Math.abs(i - now) >= every) parts.push(act(i, cell * (i - from + 0.5)));
        parts.push(act(now, cell * (now - from + 0.5), 'var(--paper)'));
      };
      parts.push(box(0, y + cell / 2 - 8, left - 2, 16, 'var(--accent)'), flat ? box(x, 0, cell, 18, 'var(--accent)') : box(x + cell / 2 - 8, 0, 16, top - 2, 'var(--accent)'));
      names(q0, q1, state.q, (q, at, ink) => label(left - 6, top + at + 4, fit(queries[q]), 'end', ink));
      names(k0, k1, state.k, (k, at, ink) => label(left + at + (flat ? 0 : 4), top - 6, fit(keys[k]), flat ? 'middle' : 'start', ink, !flat));
      if (cell > 28) each((a, q, k) => Math.abs(a) < 0.005 || parts.push(label(left + cell * (k - k0 + 0.5), top + cell * (q - q0 + 0.5) + 4, short(a), 'middle', inkOn(shadeOf(a)))));
      parts.push(box(x, y, cell, cell, '', 'paper', 5), box(x, y, cell, cell, '', state.pin ? 'accent' : 'ink', 2));
      (signed ? [-1, -0.1, 0, 0.1, 1] : [0, 0.01, 0.1, 0.5, 1]).forEach((a, i) => parts.push(box(left + 36 * i, foot + 8, 36, 12, `rgb(${shadeOf(a)})`, 'line'), label(left + 36 * i + 18, foot + 34, a, 'middle')));
      const over = (at, from, to, start) => clamp(from + Math.floor((at - start) / cell), from, to - 1);
      return { width: Math.max(left + wide + 2, left + 182), height: foot + 40, parts, maps: [[map, left, top, wide, foot - top]],
        hit: (px, py) => py < foot && { q: over(py, q0, q1, top), k: over(px, k0, k1, left) } };
    }
    function lines(all) {
      const [q0, q1, k0, k1] = range, most = Math.max(q1 - q0, k1 - k0), step = Math.min(24, 12000 / most), room = Math.min(all, 640), side = clamp((room - 80) / 2, 90, 170), right = room - side;
      const parts = [], near = [], y = (i, from) => (i - from + 0.5) * step + 2, atKey = state.side === 'k', now = y(state[state.side], atKey ? k0 : q0);
      parts.push(box(atKey ? right : 36, now - 10, side - 36, 20, 'var(--accent)', 'accent', 2));
      each((a, q, k) => {
        const mine = atKey ? k === state.k : q === state.q;
        if (Math.abs(a) < state.threshold || (state.pin && !mine)) return;
        (mine ? near : parts).push(make('svg:line', { x1: side, y1: y(q, q0), x2: right, y2: y(k, k0), stroke: `var(--${mine ? (a < 0 ? 'orange' : 'blue') : 'edge'})`, 'stroke-width': 0.6 + (mine ? 6 : 3) * Math.abs(a), 'stroke-dasharray': a < 0 && '5 3' }));
        if (mine) near.push(label(atKey ? 30 : room - 2, (atKey ? y(q, q0) : y(k, k0)) + 4, short(a), 'end'));
      });
      const names = (tokens, from, to, x, anchor, chosen) => {
        for (let i = from; i < to; i++) parts.push(label(x, y(i, from) + 4, fit(tokens[i], side - 46), anchor, i === chosen ? 'var(--paper)' : undefined));
      };
      parts.push(...near);
      names(queries, q0, q1, side - 6, 'end', !atKey && state.q);
      names(keys, k0, k1, right + 6, 'start', atKey && state.k);
      const over = (py, from, to) => clamp(from + Math.floor(py / step), from, to - 1);
      return { width: room, height: most * step + 4, parts, maps: [], hit: (px, py) => (px < room / 2 ? { side: 'q', q: over(py, q0, q1) } : { side: 'k', k: over(py, k0, k1) }) };
    }
    const score = (l, h) => (scored[[state.checkpoint, l, h]] ??= numbers(read(state.checkpoint, l, h), data))[state.sort];
    function overview(room) {
      const { sort, checkpoint } = state, left = sort ? 2 : 64, top = sort ? 2 : 20, side = clamp(Math.floor((room - left) / H) - 4, 40, 96), high = side + (sort ? 32 : 4), wide = side + 4;
      order = Array.from({ length: L * H }, (_, i) => [Math.floor(i / H), i % H]);
      if (sort) order.sort((a, b) => score(...b) - score(...a));
      const across = (order.across = sort ? Math.max(1, Math.floor((room - left) / wide)) : H), x = (i) => left + (i % across) * wide, y = (i) => top + Math.floor(i / across) * high;
      const now = order.findIndex(([l, h]) => l === state.layer && h === state.head), parts = [];
      const maps = order.map(([l, h], i) => {
        const middle = x(i) + side / 2;
        if (sort) parts.push(label(middle, y(i) + side + 13, `${data.layers[l]} · ${data.heads[h]}`, 'middle', 'var(--muted)'), label(middle, y(i) + side + 26, written(score(l, h), 2), 'middle'));
        else if (!h) parts.push(label(left - 8, y(i) + side / 2 + 4, t('Layer {layer}', { layer: data.layers[l] }), 'end'));
        if (!sort && !l) parts.push(label(middle, 14, data.heads[h], 'middle'));
        return [(scratch) => read(checkpoint, l, h, scratch), x(i), y(i), side, side];
      });
      parts.push(box(x(now) - 1, y(now) - 1, side + 2, side + 2, '', 'accent', 3));
      return { width: left + across * wide, height: y(order.length - 1) + high, parts, maps,
        hit(px, py) {
          const column = Math.floor((px - left) / wide), found = column < across && order[Math.floor((py - top) / high) * across + column];
          return column >= 0 && found && { layer: found[0], head: found[1] };
        } };
    }
    function paint({ width, height, parts, maps }, place, paper) {
      const scale = Math.min(devicePixelRatio || 1, 12000 / Math.max(width, height)), to = paper.getContext('2d');
      for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) place.setAttribute(name, value);
      place.replaceChildren(...parts);
      const key = [told, state.mode, state.sort, ui.theme(), width, height, scale].join();
      if (paper === canvas && painted === key) return;
      painted = paper === canvas ? key : painted;
      const inks = shades.map(([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0), line = ui.colour('line'), scratch = new Float64Array(Q * K);
      Object.assign(paper, { width: width * scale, height: height * scale });
      Object.assign(paper.style, { width: width + 'px', height: height + 'px' });
      for (const [one, x, y, w, h] of maps) {
        to.fillStyle = line;
        to.fillRect((x - 1) * scale, (y - 1) * scale, (w + 2) * scale, (h + 2) * scale);
        to.putImageData(points(one.call ? one(scratch) : one, data, range, inks, signed, Math.round(w * scale), Math.round(h * scale)), x * scale, y * scale);
      }
    }
    function text() {
      const { q, k } = state, [q0, q1, k0, k1] = range;
      const part = (title, tokens, from, to, at, side) => make('p', { class: 'words' }, make('b', {}, title), tokens.slice(from, to).map((token, i) => {
        const a = map[at(from + i)], shade = shadeOf(a);
        return make('bdi', { class: from + i === state[side] ? 'token now' : 'token', 'data-side': side, 'data-i': from + i, 'data-w': Math.abs(a) < 0.005 ? '' : short(a), style: `background:rgb(${shade});color:${inkOn(shade)}` }, token);
      }));
      words.append(part(t('“{token}” looks at', { token: queries[q] }), keys, k0, k1, (i) => q * K + i, 'k'), part(t('“{token}” is looked at by', { token: keys[k] }), queries, q0, q1, (i) => i * K + k, 'q'));
    }
    function steps() {
      const s = data.steps, found = calculated(s, data.shape);
      const grid = (title, flat, columns, side, square) => {
        const whole = table([t('token'), ...(square ? keys : Array.from({ length: columns }, (_, i) => i + 1))],
          (side === 'q' ? queries : keys).map((token, i) => [token, ...Array.from(flat.slice(i * columns, (i + 1) * columns), (x) => (x === -Infinity ? '−∞' : written(x)))]), title);
        const row = whole.tBodies[0].rows[state[side]];
        (square ? row.cells[state.k + 1] : row).className = 'now';
        return Object.assign(whole, { side, square });
      };
      words.append(make('div', { class: 'steps' }, grid(t('Q, the queries'), s.query, s.width, 'q'), grid(t('K, the keys'), s.key, s.width, 'k'), grid('QKᵀ', found.raw, K, 'q', 1), grid(`QKᵀ / √${s.width}`, found.scaled, K, 'q', 1),
        s.mask ? grid(t('after the mask'), found.masked, K, 'q', 1) : '', grid(t('after the softmax'), found.weights, K, 'q', 1), grid(t('V, the values'), s.value, s.out, 'k'), grid(t('softmax · V'), found.output, s.out, 'q')));
    }
    // What is read out; where one token is chosen, its strongest link.
    function spoken() {
      let { q, k } = state;
      const { mode, sort, layer, head, side, pin } = state, size = (a, b) => Math.abs(map[a * K + b]);
      if (mode === 'overview') return nameOf(data, { layer, head }, t) + (sort && `: ${written(score(layer, head))}`);
      if (mode === 'text' || mode === 'lines') each((a, row, column) => {
        if (side === 'k' ? column === k && size(row, k) > size(q, k) : row === q && size(q, column) > size(q, k)) [q, k] = [row, column];
      });
      const said = `“${queries[q]}” (${q + 1}) → “${keys[k]}” (${k + 1}): `, at = q * K + k;
      if (mode !== 'steps') return said + weight(map[at], data, state) + (pin ? `, ${t('pinned')}` : '');
      const { raw, scaled, weights } = calculated(data.steps, data.shape);
      return `${said}${written(raw[at])} / √${data.steps.width} = ${written(scaled[at])}; softmax ${written(weights[at])}`;
    }
    const room = () => Math.max(240, ui.body.clientWidth - 4);
    function draw() {
      fix();
      const { mode, checkpoint, layer, head, minus, show, block } = state, now = [checkpoint, layer, head, minus, show, block].join(), fresh = now !== told;
      if (fresh) map = current();
      told = now;
      for (const [name, [control, when]] of Object.entries(controls)) {
        control.hidden = !when();
        control.set ? control.set(state[name]) : (control.box.value = state[name]);
      }
      plan = { overview, matrix, lines }[mode]?.(room());
      drawn.hidden = !plan;
      words.replaceChildren();
      plan ? paint(plan, svg, canvas) : mode === 'text' ? text() : steps();
      readout.textContent = spoken();
      stage.setAttribute('aria-label', `${model.get('title')}: ${mode === 'overview' ? t('overview') : nameOf(data, state, t)}`);
      if (!fresh) return;
      ui.sentence(sentence(data, state, map, t));
      ui.table([t('query'), t('key'), t('weight')], strongest(map, data, 20, range).map((i) => {
        const q = Math.floor(i / K), k = i % K;
        return [`${queries[q]} (${q + 1})`, `${keys[k]} (${k + 1})`, weight(map[i], data, state)];
      }), t('The strongest links'));
    }
    function move(change) {
      Object.assign(state, change);
      // Of one text the chosen token is both a query and a key.
      if (!data.keys && !state.block && ['text', 'lines'].includes(state.mode)) 'q' in change ? (state.k = state.q) : 'k' in change && (state.q = state.k);
      draw();
    }
    function put(change) {
      move(change);
      const { layer, head, pin, side } = state;
      model.set('state', { ...state, layer: data.layers[layer] - 1, head: data.heads[head] - 1, pinned: pin ? state[side] : null });
      model.save_changes();
    }
    function keyed(event) {
      const { key } = event, { mode, layer, head, q, k, pin, side } = state, end = { Home: -1e9, End: 1e9 }[key];
      const right = { ArrowRight: 1, ArrowLeft: -1 }[key] ?? 0, down = { ArrowDown: 1, ArrowUp: -1 }[key] ?? 0;
      let change;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (key === 'Enter') change = mode === 'overview' ? { mode: 'matrix', show: 'head' } : { pin: 1 - pin };
      else if (key === 'Escape') change = { pin: 0 };
      else if (key === 'PageUp' || key === 'PageDown') change = { layer: layer + (key === 'PageUp' ? -1 : 1) };
      else if (key === '[' || key === ']') change = { head: head + (key === '[' ? -1 : 1) };
      else if (!right && !down && !end) return;
      else if (mode === 'overview') {
        const i = order.findIndex(([l, h]) => l === layer && h === head), [l, h] = order[clamp(i + (end ?? right + down * order.across), 0, order.length - 1)];
        change = { layer: l, head: h };
      } else if (mode === 'text' || mode === 'lines') {
        const flat = mode === 'text', across = flat ? -down : right;
        change = across ? { side: across < 0 ? 'q' : 'k' } : { [side]: state[side] + (end ?? (flat ? right : down)) };
      } else change = { q: q + down, k: k + (end ?? right) };
      event.preventDefault();
      put(change);
      ui.say(readout.textContent);
      stage.querySelector('.now, .cursor').scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
    function pointed({ target, clientX, clientY }) {
      if (plan) {
        const { left, top } = drawn.getBoundingClientRect();
        return plan.hit(clientX - left, clientY - top);
      }
      const { side, i } = target.dataset, cell = target.closest('td'), grid = target.closest('table');
      if (side) return { side, [side]: +i };
      return cell && { [grid.side]: cell.parentNode.rowIndex - 1, ...(grid.square && { k: cell.cellIndex - 1 }) };
    }
    const same = (at) => Object.entries(at).every(([name, value]) => state[name] === value);
    ui.listen(stage, 'keydown', keyed);
    ui.listen(stage, 'pointermove', (event) => {
      const at = !state.pin && !['overview', 'steps'].includes(state.mode) && pointed(event);
      if (at && !same(at)) move(at);
    });
    ui.listen(stage, 'click', (event) => {
      const at = pointed(event);
      if (at) put('layer' in at ? { ...at, mode: 'matrix', show: 'head' } : { ...at, pin: state.pin && same(at) ? 0 : 1 });
    });
    load();
    fix();
    ui.link(() => state, (found) => {
      for (const name in state) if (name in found) state[name] = found[name];
    });
    const whole = () => {
      const paper = make('canvas'), place = make('svg:svg'), shown = plan ?? matrix(room());
      paint({ ...shown, parts: shown.parts.map((part) => part.cloneNode(true)) }, place, paper);
      place.prepend(make('svg:image', { width: shown.width, height: shown.height, href: paper.toDataURL(), style: 'image-rendering:pixelated' }));
      return standalone(place, ui);
    };
    ui.exports([['SVG', 'attention.svg', whole], ['PNG', 'attention.png', () => picture(whole())], ['CSV', 'attention.csv', () => {
      const rows = [];
      each((a, q, k) => rows.push([q + 1, queries[q], k + 1, keys[k], a]));
      return csv([t('position'), t('query'), t('position'), t('key'), t('weight')], rows);
    }]]);
    ui.onModel('change:record', () => { load(); draw(); });
    ui.themed(draw);
    let width = ui.body.clientWidth;
    const watcher = new ResizeObserver(() => {
      if (width !== ui.body.clientWidth) draw();
      width = ui.body.clientWidth;
    });
    watcher.observe(ui.body);
    ui.later(() => watcher.disconnect());
    return ui.dispose;
  },
};
