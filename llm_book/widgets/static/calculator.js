// What a decoder costs. The counts are those of llm_book.evaluation (accounting, memory, energy).

const MOST = 1e9, DAY = 86400;

const whole = (terms) => Object.values(terms).reduce((sum, term) => sum + term, 0);
const widthOfHead = (s) => s.head_width ?? Math.floor(s.width / s.n_heads);
const ofExpert = (s) => (s.gated ? 2 : 1) * s.inner_width * (s.width + +s.bias) + s.width * (s.inner_width + +s.bias);

function parameterTerms(s) {
  const { n_layers: layers, width, vocab_size: vocab } = s, bias = +s.bias;
  const queries = s.n_heads * widthOfHead(s), keys = s.n_kv_heads * widthOfHead(s);
  const norm = width * (s.norm === 'layer' && s.bias ? 2 : 1);
  return {
    embedding: vocab * width,
    positions: s.positions === 'learned' ? s.context_length * width : 0,
    query: layers * queries * (width + bias),
    key: layers * keys * (width + bias),
    value: layers * keys * (width + bias),
    output: layers * width * (queries + bias),
    router: layers * s.n_experts * width,
    feed_forward: layers * Math.max(s.n_experts, 1) * ofExpert(s),
    norms: norm * (2 * layers + (s.norm_place === 'pre' ? 1 : 0)),
    head: s.tied ? 0 : vocab * width,
  };
}
const activeParameters = (s) =>
  whole(parameterTerms(s)) - s.n_layers * (s.n_experts ? s.n_experts - s.top_k : 0) * ofExpert(s);

function forwardFlop(s, batch, time, half) {
  const tokens = batch * time, { n_layers: layers, width } = s, map = 2 * layers * tokens * width;
  const queries = s.n_heads * widthOfHead(s), keys = s.n_kv_heads * widthOfHead(s);
  const pairs = half ? (batch * time * (time + 1)) / 2 : batch * time * time;
  return {
    query: map * queries,
    key: map * keys,
    value: map * keys,
    scores: 2 * layers * pairs * queries,
    mix: 2 * layers * pairs * queries,
    output: map * queries,
    router: map * s.n_experts,
    feed_forward: map * s.inner_width * (s.n_experts ? s.top_k : 1) * (s.gated ? 3 : 2),
    head: 2 * tokens * width * s.vocab_size,
  };
}
function activationNumbers(s, batch, time) {
  const tokens = batch * time, layers = s.n_layers;
  return {
    norms: tokens * s.width * 2 * (2 * layers + 1),
    attention: tokens * layers * 2 * (s.n_heads + s.n_kv_heads) * widthOfHead(s),
    feed_forward: tokens * layers * (s.gated ? 4 : 2) * s.inner_width * (s.n_experts ? s.top_k : 1),
    logits: tokens * s.vocab_size,
  };
}

function results(r) {
  const s = r.sizes, time = s.context_length, p = r.known.precisions[r.precision];
  const terms = parameterTerms(s), total = whole(terms), active = activeParameters(s);
  const flop = forwardFlop(s, 1, time, r.causal_half), texts = (3 * r.tokens) / time;
  const between = (flop.scores + flop.mix) * texts, head = flop.head * texts, counted = whole(flop) * texts;
  const seconds = counted / (r.devices * (r.precision === 'float32' ? r.device.full : r.device.half) * r.utilisation);
  return {
    parts: {
      embedding: terms.embedding,
      positions: terms.positions,
      attention: terms.query + terms.key + terms.value + terms.output,
      'feed-forward': terms.feed_forward,
      'norms and router': terms.norms + terms.router,
      head: terms.head,
    },
    total,
    active,
    flop: { maps: counted - between - head, between, head },
    counted,
    six: 6 * active * r.tokens,
    six_blocks: 6 * (active - terms.embedding - terms.positions - terms.head) * r.tokens,
    seconds,
    kwh: (r.devices * r.device.watts * seconds) / 3.6e6,
    memory: {
      weights: total * p.weight,
      gradients: total * p.gradient,
      optimizer: total * p.states * p.state,
      activations: whole(activationNumbers(s, r.batch, time)) * p.activation,
    },
    cache: 2 * s.n_layers * time * s.n_kv_heads * widthOfHead(s) * p.activation,
    token: whole(forwardFlop(s, 1, time, false)) / time,
    two_n: 2 * active,
  };
}

// Why these settings cannot be; the order and the sentences are those of the package.
function refusal(r, t) {
  const s = r.sizes, { width, n_heads: heads, n_kv_heads: kv, context_length: time } = s;
  const plain = (value) => (value == null ? 'None' : Number.isNaN(value) ? 'nan' : String(value));
  const atLeast = (name, value, least) => t('{name} is {value}; it must be at least {least}', { name, value, least });
  const counts = ['vocab_size', 'context_length', 'width', 'n_layers', 'n_heads', 'n_experts', 'top_k', 'n_kv_heads', 'head_width', 'inner_width'];
  const badly = (pairs) => pairs.find(([, value]) => value != null && !(Number.isInteger(value) && value <= MOST));
  const whole = (pair) => t('{name} is {value}; it must be a whole number of at most {most}',
    { name: pair[0], value: plain(pair[1]), most: '1,000,000,000' });
  let bad = badly(counts.map((name) => [name, s[name]]));
  if (bad) return whole(bad);
  const least = { vocab_size: 1, context_length: 1, n_layers: 1, inner_width: 1, n_experts: 0 };
  for (const [name, low] of Object.entries(least))
    if (s[name] < low) return atLeast(name === 'inner_width' ? 'width_inside' : name, s[name], low);
  if (Math.min(width, heads, kv, s.head_width ?? 1) < 1)
    return t('width {width}, n_heads {heads}, n_kv_heads {kv}, head_width {head}: each must be at least 1',
      { width, heads, kv, head: plain(s.head_width) });
  if (s.head_width == null && width % heads)
    return t('a width of {width} cannot be shared out among {heads} heads; choose a multiple or give head_width', { width, heads });
  if (heads % kv)
    return t('{heads} heads cannot share {kv} pairs of keys and values evenly; n_kv_heads must divide n_heads', { heads, kv });
  if (s.positions === 'rotary' && widthOfHead(s) % 2)
    return t('a width of {width} has no pairs to turn; it must be even', { width: widthOfHead(s) });
  if (s.n_experts && !(s.top_k >= 1 && s.top_k <= s.n_experts))
    return t('each token shall visit {top} of {experts} experts; top_k must be from 1 to the number of experts',
      { top: s.top_k, experts: s.n_experts });
  const within = (name, value, low, high, most) => (value >= low && value <= high ? ''
    : t('{name} is {value}; it must be a number from {low} to {high}', { name, value: plain(value), low, high: most }));
  bad = badly([['batch', r.batch], ['devices', r.devices]]);
  return within('tokens', r.tokens, 1, 1e18, '1e+18') || within('half', r.device.half, 1, 1e30, '1e+30')
    || within('memory', r.device.memory, 1, 1e30, '1e+30') || (bad ? whole(bad) : '')
    || within('utilisation', r.utilisation, 1e-3, 1, '1') || (r.devices < 1 ? atLeast('devices', r.devices, 1) : '')
    || (r.batch < 1 ? t('a batch of {batch} texts of {time} tokens keeps nothing; give 1 or more', { batch: r.batch, time }) : '');
}

const SIX = ['six', 'six_blocks'];
const NAMES = [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [0, '']];
const BYTES = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [0, 'kB', 1e3]];
const PER_TOKEN = [[1e12, 'TFLOP'], [1e9, 'GFLOP'], [1e6, 'MFLOP'], [0, 'kFLOP', 1e3]];
const ENERGY = [[1e6, 'GWh'], [1e3, 'MWh'], [0, 'kWh']];
function scaled(value, units) {
  const [size, name, unit] = units.find(([least]) => value >= least);
  return `${written(value / (unit ?? (size || 1)))} ${name}`.trimEnd();
}
const signed = (value) => (value < 0 ? '−' : '+') + written(Math.abs(value), 2);
const off = (found, key) => `${written(found[key])} FLOP (${signed(100 * (found[key] / found.counted - 1))} %)`;
const share = (part, all) => `${written((100 * part) / all)} %`;
function duration(seconds, t) {
  const count = (one) => ({ count: written(seconds / one) });
  if (seconds >= 730 * DAY) return t('{count} years', count(365 * DAY));
  if (seconds >= 2 * DAY) return t('{count} days', count(DAY));
  if (seconds >= 7200) return t('{count} hours', count(3600));
  return seconds >= 120 ? t('{count} minutes', count(60)) : t('{count} seconds', count(1));
}

function sentence(r, t) {
  const found = results(r);
  return t('{parameters} parameters, of which {embedding} embed words; {tokens} tokens cost {counted} FLOP counted, 6ND says {six} ({difference} %); {devices} × {device} at {utilisation} % need {time}. A training step holds {memory}, one device {room}.', {
    parameters: scaled(found.total, NAMES),
    embedding: scaled(found.parts.embedding, NAMES),
    tokens: scaled(r.tokens, NAMES),
    counted: written(found.counted),
    six: written(found.six),
    difference: signed(100 * (found.six / found.counted - 1)),
    devices: r.devices.toLocaleString('en-US'),
    device: r.device.name || `${written(r.device.half / 1e12)} TFLOP/s`,
    utilisation: written(100 * r.utilisation, 2),
    time: duration(found.seconds, t),
    memory: scaled(whole(found.memory), BYTES),
    room: scaled(r.device.memory, BYTES),
  });
}

function names(t) {
  return {
    embedding: t('embedding'), positions: t('positions'), attention: t('attention'), 'feed-forward': t('feed-forward'),
    'norms and router': t('norms and router'), head: t('head'), weights: t('weights'), gradients: t('gradients'),
    optimizer: t('optimiser'), activations: t('activations'), maps: t('weights in blocks'), between: t('between positions'),
    six: t('6ND, all parameters'), six_blocks: t('6ND, blocks alone'),
  };
}
function rows(r, t) {
  const found = results(r), name = names(t);
  return [
    ...Object.entries(found.parts).filter(([, n]) => n)
      .map(([part, n]) => [name[part], `${scaled(n, NAMES)} (${share(n, found.total)})`]),
    [t('all parameters'), scaled(found.total, NAMES)],
    [t('parameters a token meets'), scaled(found.active, NAMES)],
    [t('training, counted'), `${written(found.counted)} FLOP`],
    ...SIX.map((key) => [name[key], off(found, key)]),
    [t('training time'), duration(found.seconds, t)],
    [t('electricity at full power'), scaled(found.kwh, ENERGY)],
    ...Object.entries(found.memory).map(([part, n]) => [name[part], scaled(n, BYTES)]),
    [t('cache of one text'), scaled(found.cache, BYTES)],
    [t('one more token, counted'), scaled(found.token, PER_TOKEN)],
    [t('one more token, 2N'), scaled(found.two_n, PER_TOKEN)],
  ];
}

const COLOURS = ['blue', 'orange', 'green', 'pink', 'muted', 'accent'];
// Bars of stacked pieces to one scale, and what the colours of the first mean.
function chart(put, y, width, bars, legend) {
  const longest = Math.max(...bars.map(([, pieces]) => whole(pieces)));
  for (const [label, pieces] of bars) {
    put('text', { x: 2, y: y + 20 }, label);
    let x = 2;
    pieces.forEach((piece, i) => {
      const long = ((width - 4) * piece) / longest;
      put('rect', { x, y: y + 26, width: long, height: 16, stroke: 'var(--paper)',
        fill: pieces.length > 1 ? `var(--${COLOURS[i]})` : 'var(--edge)' });
      x += long;
    });
    y += 44;
  }
  const columns = Math.max(1, Math.floor(width / 175)), all = whole(bars[0][1]);
  const shown = legend.map((name, i) => [name, bars[0][1][i], COLOURS[i]]).filter(([, n]) => n);
  shown.forEach(([name, n, colour], i) => {
    const x = 2 + ((width - 4) / columns) * (i % columns), row = y + 14 + 18 * Math.floor(i / columns);
    put('rect', { x, y: row - 10, width: 12, height: 12, fill: `var(--${colour})` });
    put('text', { x: x + 18, y: row }, `${name} ${share(n, all)}`);
  });
  return y + 18 * Math.ceil(shown.length / columns) + 8;
}
function drawing(r, t, width) {
  const found = results(r), name = names(t), parts = [];
  const put = (tag, attributes, ...text) => parts.push(make('svg:' + tag, attributes, ...text));
  const kinds = (terms) => Object.keys(terms).map((key) => name[key]);
  let y = chart(put, 0, width, [[`${t('all parameters')}: ${scaled(found.total, NAMES)}`, Object.values(found.parts)]], kinds(found.parts));
  y = chart(put, y, width, [[`${t('training, counted')}: ${written(found.counted)} FLOP`, Object.values(found.flop)],
    ...SIX.map((key) => [`${name[key]}: ${off(found, key)}`, [found[key]]])], kinds(found.flop));
  y = chart(put, y, width, [[`${t('memory of a training step')}: ${scaled(whole(found.memory), BYTES)}`, Object.values(found.memory)]], kinds(found.memory));
  return make('svg:svg', { viewBox: `0 0 ${width} ${y}`, width, height: y, 'aria-hidden': 'true' }, parts);
}

export default {
  parameterTerms,
  results,
  refusal,
  rows,
  scaled,
  duration,
  sentence,
  render({ model, el }) {
    const ui = shell({ model, el, css: `fieldset { border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px 8px;
      margin: 0; display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: end; min-width: 0; flex: 1 1 380px; align-self: stretch; align-content: start; }
      fieldset:first-child { flex-basis: 100%; } legend { font-size: 13px; font-weight: 600; } input[type=number] { width: 88px; } label.beside { min-height: 30px; }
      .wrong { color: var(--warm); font-weight: 600; margin: 0; } .wrong:empty { display: none; }
      .published { margin: 4px 0 0; font-size: 13px; color: var(--muted); }` });
    const { t } = ui, wrong = make('p', { class: 'wrong', role: 'alert' });
    const picture_ = make('div'), published = make('p', { class: 'published' });
    ui.body.append(wrong, picture_, published);
    let r, multiple;
    const take = (record) => {
      r = { ...record, sizes: { ...record.sizes }, device: { ...record.device } };
      multiple = r.sizes.inner_width / r.sizes.width;
    };
    take(model.get('record'));

    const number = (label, value, act, more = {}) => make('label', {}, label,
      make('input', { type: 'number', value, min: 0, step: 'any', oninput: (event) => act(event.target.valueAsNumber), ...more }));
    const size = (label, key) => number(label, r.sizes[key], (value) => {
      r.sizes[key] = value;
      own();
    }, { name: key, step: 1 });
    const flag = (label, key, on) => checkbox(label, on[key], (value) => { on[key] = value; own(on === r); });
    const inner = () => { r.sizes.inner_width = Math.round(multiple * r.sizes.width); };
    // Sizes that the reader changed are no published model's any more.
    function own(still) {
      if (!still) {
        r.model = '';
        inner();
        ui.controls.querySelector('select').value = '';
      }
      told();
    }
    function told() {
      draw();
      const { known, ...state } = r;
      model.set('state', state);
      model.save_changes();
    }
    function chosen(name) {
      const found = r.known.models.find((one) => one.name === name);
      r.model = name;
      if (found) {
        r.sizes = { ...found.sizes };
        multiple = r.sizes.inner_width / r.sizes.width;
        r.tokens = found.tokens ?? 20 * whole(parameterTerms(r.sizes));
      }
      build();
      ui.controls.querySelector('select').focus();
      told();
    }
    function build() {
      const group = (legend, ...inside) => make('fieldset', {}, make('legend', {}, legend), inside);
      const device = r.device, pick = r.known.devices.map(({ name }) => [name, name]);
      const listed = pick.some(([name]) => name === device.name);
      pick.push(['', t('another')], ...(listed || !device.name ? [] : [[device.name, device.name]]));
      const both = (value) => { device.half = device.full = value * 1e12; told(); };
      const described = listed ? [] : [
        number('TFLOP/s', device.half / 1e12, both),
        number(t('memory, GB'), device.memory / 1e9, (value) => { device.memory = value * 1e9; told(); })];
      ui.controls.replaceChildren(
        group(t('Model'),
          select(t('known model'), [['', t('own sizes')], ...r.known.models.map(({ name }) => [name, name])], r.model, chosen),
          size(t('layers'), 'n_layers'), size(t('width'), 'width'), size(t('heads'), 'n_heads'),
          size(t('key/value heads'), 'n_kv_heads'),
          number(t('feed-forward × width'), +multiple.toPrecision(6), (value) => { multiple = value; own(); }),
          size(t('vocabulary'), 'vocab_size'), size(t('context length'), 'context_length'),
          size(t('experts (0: none)'), 'n_experts'), size(t('experts a token'), 'top_k'),
          select(t('positions'), r.known.positions.map((kind) => [kind, kind]), r.sizes.positions,
            (value) => { r.sizes.positions = value; own(); }),
          flag(t('gated'), 'gated', r.sizes), flag(t('tied head'), 'tied', r.sizes), flag(t('biases'), 'bias', r.sizes)),
        group(t('Training'),
          number(t('tokens, billions'), +(r.tokens / 1e9).toPrecision(9), (value) => { r.tokens = value * 1e9; told(); }),
          number(t('texts a step'), r.batch, (value) => { r.batch = value; told(); }, { step: 1 }),
          select(t('number format'), Object.keys(r.known.precisions).map((name) => [name, name]), r.precision,
            (value) => { r.precision = value; told(); }),
          flag(t('masked products are skipped'), 'causal_half', r)),
        group(t('Devices'),
          select(t('device'), pick, device.name, (name) => {
            const found = r.known.devices.find((one) => one.name === name);
            r.device = found ? { ...found } : { ...device, name: '', watts: 0 };
            build();
            ui.controls.querySelectorAll('select')[3].focus();
            told();
          }),
          ...described,
          number(t('how many'), r.devices, (value) => { r.devices = value; told(); }, { step: 1 }),
          slider(t('utilisation, %'), { min: 1, max: 100, step: 1, value: 100 * r.utilisation },
            (value) => { r.utilisation = value / 100; told(); }, (value) => written(value, 2))));
    }
    const wide = () => clamp(Math.floor(ui.body.clientWidth || 560), 240, 860);
    let width = wide();
    function draw() {
      wrong.textContent = refusal(r, t);
      if (wrong.textContent) return;
      picture_.replaceChildren(drawing(r, t, width));
      const found = r.known.models.find((one) => one.name === r.model && one.source);
      published.textContent = found ? [t('Published: {parameters} parameters', { parameters: scaled(found.parameters, NAMES) }),
        found.flop && `${written(found.flop)} FLOP`, found.source].filter(Boolean).join('; ') : '';
      ui.table([t('what'), t('value')], rows(r, t), t('What it costs'));
      ui.sentence(sentence(r, t));
    }
    const watch = new ResizeObserver(() => {
      if (wide() === width) return;
      width = wide();
      draw();
    });
    watch.observe(ui.body);
    ui.later(() => watch.disconnect());
    ui.link(() => {
      const { sizes, device, known, ...rest } = r;
      return { ...sizes, ...rest, device: device.name, half: device.half, memory: device.memory };
    }, (state) => {
      follow(r, state);
      if (refusal(r, t)) r = model.get('record');
      take(r);
    });
    ui.exports([
      ['SVG', 'costs.svg', () => standalone(picture_.firstChild, ui)],
      ['PNG', 'costs.png', () => picture(standalone(picture_.firstChild, ui))],
      ['CSV', 'costs.csv', () => csv([t('what'), t('value')], rows(r, t))],
    ]);
    ui.onModel('change:record', () => { take(model.get('record')); build(); draw(); });
    build();
    draw();
    return ui.dispose;
  },
};

// A link's words become settings where they are of the kind that stands there.
function follow(r, state) {
  const { models, devices, precisions, positions } = r.known;
  const allowed = { positions, precision: Object.keys(precisions), model: ['', ...models.map(({ name }) => name)],
    norm: ['layer', 'rms'], norm_place: ['pre', 'post'] };
  for (const [key, text] of Object.entries(state)) {
    const place = Object.hasOwn(r.sizes, key) ? r.sizes : r, old = place[key];
    if (typeof old === 'boolean') place[key] = text === 'true';
    else if (typeof old === 'number' || key === 'head_width') place[key] = +text;
    else if (typeof old === 'string' && allowed[key].includes(text)) place[key] = text;
  }
  const { device, half, memory } = state;
  r.device = devices.find(({ name }) => name === device)
    ?? (half ? { name: '', half: +half, full: +half, memory: +memory, watts: 0 } : r.device);
}
