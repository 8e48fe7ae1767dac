// What to read, in which order, for a goal and for what the reader knows already.

// As llm_book.widgets.reading_path.path: what the goal needs, back to what is known.
function path(steps, wanted, known) {
  const left = [...wanted], met = new Set(known);
  while (left.length) {
    const topic = left.pop();
    if (met.has(topic)) continue;
    met.add(topic);
    left.push(...steps.find((step) => step.gives === topic).needs);
  }
  return steps.filter((step) => met.has(step.gives) && !known.includes(step.gives));
}
const goalOf = ({ goals }, goal) => goals.find(([key]) => key === goal);
const pathOf = (record, { goal, known }) => path(record.steps, goalOf(record, goal)[2], known);

function sentence(record, state, t) {
  const found = pathOf(record, state), goal = goalOf(record, state.goal)[1];
  if (!found.length) return t('To {goal} you need nothing more from this list.', { goal });
  return t('To {goal}: {count} to read, “{first}” first and “{last}” last.',
    { goal, count: found.length, first: found[0].name, last: found.at(-1).name });
}

const _STYLE = `fieldset { border: 1px solid var(--line); border-radius: 5px; padding: 4px 10px 8px; margin: 0 0 10px; min-width: 0; display: flex; flex-wrap: wrap; gap: 4px 14px; }
legend { font-size: 13px; color: var(--muted); padding: 0 4px; } label.beside { min-height: 30px; } ol { margin: 0; padding-left: 28px; } li { padding: 4px 0 4px 4px; border-top: 1px solid var(--line); }
.where { color: var(--muted); font-size: 13px; } a { color: var(--accent); }`;

export default {
  path, sentence,
  render({ model, el }) {
    const ui = shell({ model, el, css: _STYLE });
    const { t } = ui, first = model.get('record');
    let goal = first.goal, known = [...first.known];
    const goals = select(t('I want to'), first.goals, goal, (key) => { goal = key; settle(); });
    const ticks = new Map(first.topics.map(([key, name]) => [key, checkbox(name, known.includes(key), (on) => {
      known = first.topics.map(([one]) => one).filter((one) => (one === key ? on : known.includes(one)));
      settle();
    })]));
    const list = make('ol');
    ui.controls.append(goals);
    ui.body.append(make('fieldset', {}, make('legend', {}, t('I know already')), [...ticks.values()]), list);

    const names = (record, keys) => keys.map((key) => record.topics.find(([one]) => one === key)[1]).join(' · ');
    function draw() {
      const record = model.get('record'), found = pathOf(record, { goal, known });
      list.replaceChildren(...found.map((step) => make('li', {},
        step.address ? make('a', { href: step.address }, step.name) : make('bdi', {}, step.name), ' ',
        make('span', { class: 'where' }, [step.where, step.licence].filter(Boolean).join(' · ')))));
      ui.table([t('read'), t('where'), t('needs'), t('gives')],
        found.map((step) => [step.name, step.where, names(record, step.needs), names(record, [step.gives])]), t('A path through the book'));
      ui.sentence(sentence(record, { goal, known }, t));
    }
    function settle() {
      draw();
      ui.say(sentence(model.get('record'), { goal, known }, t));
      model.set('state', { goal, known: known.join(',') });
      model.save_changes();
    }
    function take(next) {
      if (goalOf(first, next.goal)) goal = next.goal;
      known = first.topics.map(([key]) => key).filter((key) => next.known.includes(key));
      goals.box.value = goal;
      ticks.forEach((tick, key) => { tick.box.checked = known.includes(key); });
    }
    ui.link(() => ({ goal, known: known.join(',') }), (state) => take({ goal: state.goal, known: (state.known ?? '').split(',') }));
    ui.exports([['CSV', 'reading_path.csv', () => {
      const record = model.get('record');
      return csv([t('read'), t('where'), t('needs'), t('gives')],
        pathOf(record, { goal, known }).map((step) => [step.name, step.where, names(record, step.needs), names(record, [step.gives])]));
    }]]);
    ui.onModel('change:record', () => { take(model.get('record')); draw(); });
    draw();
    return ui.dispose;
  },
};
