// A box to talk with any function that answers: live with a kernel, readable without one.

const said = ({ role, content }) => `${role}: ${content}`;
const asText = (messages) => messages.map(said).join('\n\n') + '\n';
const asJson = (messages) => JSON.stringify(messages, null, 2) + '\n';

function sentence({ messages, phase }, live, t) {
  const count = messages.length.toLocaleString('en-US');
  if (!live) return t('Messages in this conversation: {count}. A running kernel is needed to answer.', { count });
  if (phase === 'writing') return t('An answer is being written.');
  if (phase === 'stopping') return t('Stopping: the piece that is being made is waited for, then no more are asked for.');
  return t('Messages in this conversation: {count}.', { count });
}
// Whether a key sends what is typed: Enter alone, and not the one that ends a word of an input method.
const sends = ({ key, shiftKey, isComposing, keyCode }) => key === 'Enter' && !shiftKey && !isComposing && keyCode !== 229;

const CSS = `
.log { max-height: 420px; overflow-y: auto; border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; }
.log:empty::before { content: attr(data-none); color: var(--muted); }
.message { margin: 8px 0; padding: 4px 10px; border-left: 4px solid var(--edge); }
.message.user { border-color: var(--accent); background: var(--panel); }
.message.system { border-left-style: dashed; }
.role { font-size: 13px; font-weight: 600; color: var(--muted); }
.text { white-space: pre-wrap; } .text.none { color: var(--muted); }
label.draft { display: flex; margin: 10px 0 8px; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; }
.note { margin: 8px 0 0; color: var(--warm); } .note:empty { display: none; }`;
const PATIENCE = 4000;

export default {
  asText, asJson, sentence, sends,
  render({ model, el }) {
    const ui = shell({ model, el, css: CSS }), { t } = ui;
    const live = Boolean(model.get('live')), shown = [];
    const roles = { system: t('system'), user: t('user'), assistant: t('assistant') };
    let waiting = 0;
    const log = make('div', { class: 'log', role: 'log', 'aria-live': 'polite', tabindex: 0, 'aria-label': t('Conversation'), 'data-none': t('Nothing has been said yet.') });
    const note = make('p', { class: 'note', id: 'note', role: 'alert' });
    const draft = make('textarea', { rows: 2, disabled: !live, 'aria-describedby': 'note' });
    const send = button(t('Send'), say), stop = button(t('Stop'), () => ask('stop'));
    const retry = button(t('Answer again'), () => ask('retry')), clear = button(t('Start afresh'), () => ask('clear'));
    ui.body.append(log, make('label', { class: 'draft' }, t('Your message'), draft),
      make('div', { class: 'buttons' }, send, stop, retry, clear), note);

    function tell(what) {
      model.set('state', { ...what, n: (model.get('state')?.n ?? 0) + 1 });
      model.save_changes();
      clearTimeout(waiting);
      waiting = setTimeout(() => { note.textContent = t('The kernel has not heard this yet: it may be busy with another cell, or gone.'); }, PATIENCE);
    }
    function ask(what) {
      draft.focus(); // the button that was pressed may be disabled next
      tell({ do: what });
    }
    function say() {
      const { limit, phase } = model.get('record');
      draft.focus();
      if (phase) note.textContent = t('An answer is being written; wait, or stop it first.');
      else if (draft.value.trim() && !tooLong(limit)) {
        tell({ say: draft.value });
        draft.value = '';
      }
    }
    // Length as Python counts it: code points.
    function tooLong(limit) {
      const count = [...draft.value].length;
      note.textContent = count > limit ? t('{count} characters are too many for one message; at most {limit} are read.',
        { count: count.toLocaleString('en-US'), limit: limit.toLocaleString('en-US') }) : '';
      return count > limit;
    }
    function draw() {
      const record = model.get('record'), { messages, phase } = record;
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      log.setAttribute('aria-busy', Boolean(phase)); // read out whole, not piece by piece
      while (shown.length > messages.length) shown.pop().node.remove();
      messages.forEach((message, i) => {
        if (!shown[i]) {
          const role = make('div', { class: 'role' }), text = make('div', { dir: 'auto' });
          shown[i] = { role, text, node: make('div', {}, role, text) };
          log.append(shown[i].node);
        }
        const { role, text, node } = shown[i], content = message.content || t('(an empty answer)');
        node.className = `message ${message.role}`;
        if (role.textContent !== roles[message.role]) role.textContent = roles[message.role];
        text.className = message.content ? 'text' : 'text none';
        if (text.textContent !== content) text.textContent = content;
      });
      if (live && atEnd) log.scrollTop = log.scrollHeight;
      note.textContent = live ? model.get('error') || record.note : t('A running kernel is needed to answer: open this page as a notebook and run the cell.');
      send.disabled = !live;
      stop.disabled = phase !== 'writing';
      for (const one of [retry, clear]) one.disabled = !live || Boolean(phase) || !messages.length;
      ui.sentence(sentence(record, live, t));
    }
    ui.listen(draft, 'keydown', (event) => {
      if (!sends(event)) return;
      event.preventDefault();
      say();
    });
    ui.listen(draft, 'input', () => { if (!model.get('record').note) tooLong(model.get('record').limit); });
    ui.foot.append(button(t('Copy the conversation'), async () => {
      try {
        await navigator.clipboard.writeText(asText(model.get('record').messages));
        ui.say(t('Conversation copied'));
      } catch {
        ui.say(t('This page may not copy; save it as text.'));
      }
    }));
    ui.exports([
      [t('Text'), 'conversation.txt', () => asText(model.get('record').messages)],
      ['JSON', 'conversation.json', () => asJson(model.get('record').messages)],
    ]);
    for (const change of ['change:record', 'change:error']) ui.onModel(change, () => { clearTimeout(waiting); draw(); });
    ui.later(() => clearTimeout(waiting));
    draw();
    return ui.dispose;
  },
};
