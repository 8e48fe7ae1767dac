// One step of writing: the model's distribution, and what temperature, top-k, top-p and min-p leave.

// In the order of llm_book.generation.filtering; ties as there.
function probabilities(logits, { temperature = 1, top_k = null, top_p = null, min_p = null }) {
  let left = temperature === 0 ? onlyTheBest(logits) : logits.map((value) => value / temperature);
  if (temperature > 0) {
    if (top_k !== null) left = keepTopK(left, top_k);
    if (top_p !== null && top_p < 1) left = keepTopP(left, top_p);
    if (min_p !== null) left = keepMinP(left, min_p);
  }
  return softmax(left);
}
function softmax(logits) {
  const best = Math.max(...logits), parts = logits.map((value) => Math.exp(value - best));
  const whole = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / whole);
}
const onlyTheBest = (logits) => {
  const best = logits.indexOf(Math.max(...logits));
  return logits.map((value, i) => (i === best ? 0 : -Infinity));
};
const keepTopK = (logits, k) => {
  const last = [...logits].sort((a, b) => b - a)[Math.min(k, logits.length) - 1];
  return logits.map((value) => (value < last ? -Infinity : value));
};
const keepTopP = (logits, share) => {
  const likely = softmax(logits), order = logits.map((_, i) => i).sort((a, b) => likely[b] - likely[a] || a - b);
  const kept = new Set();
  let before = 0;
  for (const i of order) {
    if (kept.size && before >= share) break;
    kept.add(i);
    before += likely[i];
  }
  return logits.map((value, i) => (kept.has(i) ? value : -Infinity));
};
const keepMinP = (logits, share) => {
  const likely = softmax(logits), bar = share * Math.max(...likely);
  return logits.map((value, i) => (likely[i] < bar ? -Infinity : value));
};

const LINE = 22, BARS = 20;

export default {
  probabilities,
  sentence,
  written,
  render({ model, el }) {
    const ui = shell({ model, el, css: '.drawn { margin: 8px 0 0; min-height: 1.5em; } .gone { opacity: 0.45; }' });
    const { t } = ui;
    let settings = { ...model.get('record').settings };
    const drawn = make('p', { class: 'drawn' });
    const put = (change) => {
      settings = { ...settings, ...change };
      draw();
      model.set('state', settings);
      model.save_changes();
    };
    const off = t('off');
    const dials = {
      temperature: slider(t('temperature'), { min: 0, max: 3, step: 0.05, value: settings.temperature },
        (value) => put({ temperature: value })),
      top_k: slider(t('top-k'), { min: 0, max: 50, step: 1, value: settings.top_k ?? 0 },
        (value) => put({ top_k: value || null }), (value) => (value ? String(value) : off)),
      top_p: slider(t('top-p'), { min: 0.01, max: 1, step: 0.01, value: settings.top_p ?? 1 },
        (value) => put({ top_p: value === 1 ? null : value }), (value) => (value === 1 ? off : written(value))),
      min_p: slider(t('min-p'), { min: 0, max: 1, step: 0.01, value: settings.min_p ?? 0 },
        (value) => put({ min_p: value || null }), (value) => (value ? written(value) : off)),
    };
    ui.controls.append(...Object.values(dials), button(t('Draw ten tokens'), drawTen));
    const chart = make('div', { class: 'scroll' });
    ui.body.append(chart, drawn);

    function draw() {
      const { tokens, logits } = model.get('record'), now = probabilities(logits, settings);
      const before = softmax(logits), top = Math.max(...now, ...before);
      const count = Math.min(BARS, tokens.length);
      const picture = make('svg:svg', { viewBox: `0 0 560 ${LINE * count + 8}`, width: 560, height: LINE * count + 8, 'aria-hidden': 'true' });
      for (let i = 0; i < count; i++) {
        const y = 4 + LINE * i, width = (300 * now[i]) / top, old = (300 * before[i]) / top;
        picture.append(make('svg:text', { x: 150, y: y + 14, 'text-anchor': 'end', class: now[i] ? '' : 'gone' }, tokens[i]),
          make('svg:rect', { x: 158, y, width: Math.max(width, 0.5), height: 18, fill: 'var(--blue)' }),
          make('svg:line', { x1: 158 + old, x2: 158 + old, y1: y - 1, y2: y + 19, stroke: 'var(--ink)', 'stroke-width': 2 }),
          make('svg:text', { x: 166 + Math.max(width, old), y: y + 14 }, `${written(100 * now[i])} %`));
      }
      chart.replaceChildren(picture);
      const head = [t('token'), t('of the model'), t('after the settings')];
      const rows = tokens.slice(0, BARS).map((token, i) => [token, `${written(100 * before[i])} %`, `${written(100 * now[i])} %`]);
      ui.table(head, rows, t('Probability of each next token'));
      ui.sentence(sentence(model.get('record'), settings, t));
    }
    function drawTen() {
      const { tokens, logits } = model.get('record'), likely = probabilities(logits, settings);
      const found = Array.from({ length: 10 }, () => {
        let left = Math.random();
        return tokens[likely.findIndex((share) => (left -= share) < 0)] ?? tokens[0];
      });
      drawn.replaceChildren(t('Drawn:') + ' ', ...found.flatMap((token, i) => [i ? ' · ' : '', make('bdi', {}, token)]));
      ui.say(drawn.textContent);
    }
    ui.link(() => settings, (state) => {
      for (const [name, value] of Object.entries(state)) if (name in dials && Number.isFinite(+value)) {
        settings[name] = +value;
        dials[name].set(+value);
      }
    });
    ui.exports([
      ['SVG', 'sampling.svg', () => standalone(chart.firstChild, ui)],
      ['PNG', 'sampling.png', () => picture(standalone(chart.firstChild, ui))],
      ['CSV', 'sampling.csv', () => {
        const { tokens, logits } = model.get('record'), now = probabilities(logits, settings), before = softmax(logits);
        return csv([t('token'), t('of the model'), t('after the settings')], tokens.map((token, i) => [token, before[i], now[i]]));
      }],
    ]);
    ui.onModel('change:record', () => { settings = { ...model.get('record').settings }; draw(); });
    draw();
    return ui.dispose;
  },
};

function sentence({ logits, tokens, left_out: leftOut, lost }, settings, t) {
  const likely = probabilities(logits, settings), best = likely.indexOf(Math.max(...likely));
  const count = (value) => value.toLocaleString('en-US');
  const said = t('{kept} of {all} tokens stay possible; the most probable is “{token}” with {share} %.', {
    kept: count(likely.filter((share) => share > 0).length), all: count(likely.length),
    token: tokens[best], share: written(100 * likely[best]),
  });
  return leftOut ? said + ' ' + t('{count} tokens with {share} % together are left out.', { count: count(leftOut), share: written(100 * lost) }) : said;
}
