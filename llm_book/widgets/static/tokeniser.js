// A text under tokenizers as it is typed: pieces, ids, counts, and the merges of one word.

const MOST = 600, LONGEST = 200, ROWS = 20, PAUSE = 600, HUES = ['blue', 'orange', 'green', 'pink'];

// Python's patterns, for a text whose other letters, numbers and white space are written A, 0 and tab.
const PATTERNS = {
  gpt2: /'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+/g,
  cl100k: /'(?:[st]|re|ve|m|ll|d)|[^\r\nA-Z0-9]?[A-Z]+|[0-9]{1,3}| ?[^\sA-Z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gi,
};
const HIDDEN = /[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]/g;
const JOINERS = /^[\u034f\u200c\u200d\ufe00-\ufe0f]+$/;
const SIGNS = { '\n': '␊', '\r': '␍', '\t': '␉' };

const utf8 = (text) => new TextEncoder().encode(text);
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const count = (value) => value.toLocaleString('en-US');
const hex = (bytes) => (typeof bytes === 'string' ? bytes : Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '));
const code = (letter) => '\\u' + letter.charCodeAt(0).toString(16).padStart(4, '0');

// As records.shown; what only joins its neighbours is written as its code points.
function shown(text) {
  if (JOINERS.test(text)) text = text.replace(/./g, code);
  const letters = [...text];
  if (letters.length > 48) text = `${letters.slice(0, 24).join('')}… (${count(letters.length)})`;
  return text.replace(HIDDEN, (one) => SIGNS[one] ?? code(one)).replace(/^ +| +$/g, (run) => '␣'.repeat(run.length));
}

// A token: its bytes, its text with what is no whole character as «e4 bd», its length in characters.
function spelled(bytes) {
  let text = '', size = 0, odd = [], broken = false;
  const flush = () => {
    if (odd.length) text += `«${hex(odd)}»`;
    odd = [];
  };
  for (let i = 0; i < bytes.length; size++) {
    const width = bytes[i] < 0x80 ? 1 : bytes[i] < 0xe0 ? 2 : bytes[i] < 0xf0 ? 3 : 4;
    let letter = '';
    try { letter = strict.decode(bytes.subarray(i, i + width)); } catch { broken = true; }
    if (letter) flush(); else odd.push(bytes[i]);
    text += letter;
    i += letter ? width : 1;
  }
  flush();
  return { bytes, text: shown(text), size, broken };
}
const BYTES = [];
const byteOf = (id) => (BYTES[id] ??= { ...spelled(Uint8Array.of(id)), id });
const whole = (text) => ({ bytes: utf8(text), text: shown(text), size: [...text].length });

// The blob: columns of whole numbers, all lowest bytes first, then the next.
function columns(blob) {
  let at = 0;
  return (length) => {
    const column = new Uint32Array(length);
    for (let shift = 0; shift < 32; shift += 8) for (let i = 0; i < length; i++) column[i] |= blob[at++] << shift;
    return column;
  };
}
// The class of each code point as the splitter has it, whatever Unicode this browser knows.
function classesOf(lengths, kinds) {
  const classes = new Uint8Array(0x110000);
  let at = 0;
  lengths.forEach((length, i) => classes.fill(kinds[i], at, (at += length)));
  return classes;
}
function split(pattern, text, classes) {
  if (/^[\0-\x7f]*$/.test(text)) return text.match(PATTERNS[pattern]) ?? [];
  const letters = [...text];
  const plain = letters.map((letter) => {
    const point = letter.codePointAt(0);
    return point < 128 ? letter : point === 0x17f ? 'S' : '!A0\t'[classes[point]];
  });
  let at = 0;
  return plain.join('').match(PATTERNS[pattern]).map((piece) => letters.slice(at, (at += piece.length)).join(''));
}

// A byte-pair table. A symbol is a byte, or 256 + the rank of the merge that makes it: of two merges
// with the same result only the first is ever applied, because a token is always built the same way.
function merging(one, take, classes) {
  const left = take(one.merges), right = take(one.merges), size = 256 + one.merges;
  const ids = take(size).map((shift, i) => shift + i), rankOf = new Map();
  left.forEach((symbol, rank) => rankOf.set(symbol * size + right[rank], rank));
  const bytes = (symbol) => (symbol < 256 ? [symbol] : [...bytes(left[symbol - 256]), ...bytes(right[symbol - 256])]);
  const tokens = [], words = new Map();
  const longestFirst = one.specials.map(([text]) => text).sort((a, b) => b.length - a.length);
  return {
    ...one, left, right, ids, classes, words,
    rank: (a, b) => rankOf.get(a * size + b),
    token: (symbol) => (tokens[symbol] ??= { ...spelled(Uint8Array.from(bytes(symbol))), id: ids[symbol] }),
    special: new Map(one.specials),
    finder: one.specials.length
      && new RegExp(`(${longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|')})`, 'u'),
  };
}

// The symbols of one word: the earliest merge first, the leftmost of its places first (bpe._merged).
function merged(bytes, { rank }) {
  const symbols = [...bytes, -1], width = symbols.length, queue = [];
  const before = symbols.map((_, i) => i - 1), after = symbols.map((_, i) => i + 1);
  const fits = (i, j) => (symbols[i] >= 0 && symbols[j] >= 0 ? rank(symbols[i], symbols[j]) : undefined);
  const offer = (i, j) => {
    const found = fits(i, j);
    if (found !== undefined) push(queue, found * width + i);
  };
  for (let i = 1; i < width; i++) offer(i - 1, i);
  while (queue.length) {
    const best = pop(queue), i = best % width, found = (best - i) / width, gone = after[i];
    if (fits(i, gone) !== found) continue;
    symbols[i] = 256 + found;
    symbols[gone] = -1;
    after[i] = after[gone];
    before[after[i]] = i;
    offer(before[i], i);
    offer(i, after[i]);
  }
  return symbols.filter((symbol) => symbol >= 0);
}
// A queue of numbers, the smallest at its head.
function push(heap, value) {
  let at = heap.push(value) - 1;
  for (let up; at && heap[(up = (at - 1) >> 1)] > value; at = up) heap[at] = heap[up];
  heap[at] = value;
}
function pop(heap) {
  const top = heap[0], last = heap.pop();
  let at = 0;
  for (let down; (down = 2 * at + 1) < heap.length; at = down) {
    if (heap[down + 1] < heap[down]) down++;
    if (heap[down] >= last) break;
    heap[at] = heap[down];
  }
  if (heap.length) heap[at] = last;
  return top;
}

// The merges of one word: each joins every place where its pair stands (bpe.steps).
function steps(word, { rank, left, right }) {
  const found = [];
  for (let parts = [...utf8(word)]; ;) {
    const ranks = parts.slice(1).map((part, i) => rank(parts[i], part) ?? Infinity), best = Math.min(...ranks);
    if (best === Infinity) return found;
    const after = [], from = [], to = [];
    parts.forEach((part, i) => {
      if (part === right[best] && after.at(-1) === left[best]) {
        after[after.length - 1] = 256 + best;
        from.push(i - 1, i);
        to.push(after.length - 1);
      } else after.push(part);
    });
    found.push({ rank: best, before: parts, from, after, to });
    parts = after;
  }
}

function tokenizers(record, blob) {
  const take = columns(bytesOf(blob)), classes = record.runs && classesOf(take(record.runs), take(record.runs));
  return record.tokenizers.map((one) => (one.kind === 'merges' ? merging(one, take, classes)
    : { ...one, of: record.text, ids: new Map(one.tokens?.map((letter, id) => [letter, id])) }));
}

const kernelNeeded = (t) => t('Python cuts these words: a text that is typed needs a running kernel.');

// What a text is cut into: { pieces, words }, or { wrong }, a sentence.
function encode(one, text, recognise, t) {
  const half = text.match(/\p{Cs}/u);
  if (half) return { wrong: t('The text holds {half}, half a character that UTF-8 cannot write; delete it.', { half: code(half[0]) }) };
  if (one.kind === 'words')
    return one.of === text ? { pieces: one.pieces.map(([word, size, id, bytes]) => ({ text: word, size, id, bytes })) }
      : { wrong: kernelNeeded(t) };
  if (one.kind === 'bytes') return { pieces: Array.from(utf8(text), byteOf) };
  if (one.kind === 'characters') {
    const pieces = Array.from(text, (letter) => ({ ...whole(letter), id: one.ids.get(letter) ?? one.unknown }));
    const strange = pieces.find(({ id }) => id === null);
    return strange ? { wrong: t('The character “{letter}” is not in the vocabulary, which has no <unk>.', { letter: strange.text }) } : { pieces };
  }
  const pieces = [], words = [];
  (recognise && one.finder ? text.split(one.finder) : [text]).forEach((part, i) => {
    if (i % 2) pieces.push({ ...whole(part), id: one.special.get(part), special: true, word: words.push(part) - 1 });
    else for (const word of split(one.split, part, one.classes)) {
      let symbols = one.words.get(word);
      if (!symbols) {
        symbols = merged(utf8(word), one);
        if (one.words.size >= 1 << 15) one.words.clear();
        one.words.set(word, symbols);
      }
      words.push(word);
      for (const symbol of symbols) pieces.push({ ...one.token(symbol), word: words.length - 1 });
    }
  });
  return { pieces, words };
}

// The longest piece that is no special, if any is none.
const weight = ({ size, special }) => (special ? size : size + 1e9);
const longest = (pieces) => pieces.reduce((best, piece) => (weight(piece) > weight(best) ? piece : best));
function counted(pieces, t) {
  return pieces.length === 1 ? t('1 token') : t('{count} tokens', { count: count(pieces.length) });
}
const nameOf = (one, t) => one.name || (one.kind === 'merges' ? t('{count} merges', { count: count(one.merges) })
  : one.kind === 'bytes' ? t('bytes') : one.kind === 'words' ? t('words') : t('characters'));

// What is to be seen, in words; `found` is what each tokenizer makes of the text.
function sentence(all, found, text, t) {
  const [{ pieces, wrong }] = found;
  if (wrong) return wrong;
  if (!pieces.length) return t('There is no token yet; type a text.');
  const letters = [...text].length, bytes = utf8(text).length, piece = longest(pieces);
  const values = {
    tokens: counted(pieces, t), rate: written(letters / pieces.length), piece: piece.text,
    characters: letters === 1 ? t('1 character') : t('{count} characters', { count: count(letters) }),
    bytes: bytes === 1 ? t('1 byte') : t('{count} bytes', { count: count(bytes) }),
  };
  const first = piece.size > 1
    ? t('The text is {tokens} for {characters} ({bytes}): {rate} characters a token; the longest piece is “{piece}”.', values)
    : t('The text is {tokens} for {characters} ({bytes}): {rate} characters a token.', values);
  const others = found.slice(1).map((other, i) => other.pieces
    && t('Under “{name}” it is {tokens}.', { name: nameOf(all[i + 1], t), tokens: counted(other.pieces, t) }));
  return [first, ...others.filter(Boolean)].join(' ');
}

const CSS = `
.shell [hidden] { display: none; } .typed { width: 100%; margin-bottom: 8px; } .name { margin: 8px 0 4px; }
.more:empty { display: none; } .chips { max-height: 330px; overflow-y: auto; padding: 3px; } .all .chips { max-height: none; }
.chip { display: inline-block; text-align: center; min-width: 26px; max-width: 100%; margin: 0 3px 4px 0; vertical-align: top;
border: 1px solid var(--hue); border-bottom-width: 3px; border-radius: 4px; padding: 0 4px; line-height: 1.35;
background: var(--panel); background: color-mix(in srgb, var(--hue) 15%, var(--paper)); cursor: pointer; }
.chip bdi { white-space: pre-wrap; } .chip small { display: block; font-size: 11px; color: var(--muted); font-variant-numeric: tabular-nums; }
.broken { border-style: dashed; } .special { font-weight: 600; border-style: double; border-width: 3px; }
.mate { border-bottom-color: var(--ink); } .chip[aria-selected=true] { outline: 2px solid var(--ink); }
.merges:not(:empty) { border-left: 3px solid var(--edge); padding-left: 10px; margin: 6px 0 10px; } .merges > p { margin: 4px 0; } .row { display: flex; flex-wrap: wrap; gap: 3px; align-items: center; margin: 4px 0; }
.row > i { flex: 0 0 3.5em; font-style: normal; color: var(--muted); font-size: 13px; }
.row .chip { --hue: var(--edge); cursor: auto; border-bottom-width: 1px; background: none; margin: 0; }
.row .pair { border: 2px solid var(--warm); border-bottom-width: 4px; font-weight: 600; }`.replaceAll('\n', ' ');

export default {
  tokenizers, encode, split, steps, shown, sentence, classesOf, columns,
  render({ model, el }) {
    const ui = shell({ model, el, css: CSS }), { t } = ui;
    let all, text, found, parts, recognise = true, one = 0, at = 0, step = 1, waiting = 0;
    const area = make('textarea', { rows: 3, dir: 'auto', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off' });
    const blocks = make('div'), merges = make('div', { class: 'merges' }), plain = make('bdi'), note = make('p', { class: 'more' });
    const specials = checkbox(make('span', {}, t('recognise special tokens') + ' ', plain), true, (value) => {
      recognise = value;
      draw();
      tell();
    });
    ui.body.append(make('label', { class: 'typed' }, t('Text'), area), note, specials, blocks);

    function load() {
      const record = model.get('record');
      all = tokenizers(record, model.get('blob'));
      // What is typed meanwhile stays; a kernel's answer to it comes with the same text.
      if (ui.shadow.activeElement !== area) area.value = text = record.text;
      area.readOnly = all[0].kind === 'words' && !model.get('live');
      note.textContent = area.readOnly ? kernelNeeded(t) : '';
      const names = [...new Set(all.flatMap((each) => each.specials ?? []).map(([name]) => shown(name)))];
      plain.textContent = names.slice(0, 4).join(' ') + (names.length > 4 ? ' …' : '');
      specials.hidden = !names.length;
      one = Math.min(one, all.length - 1);
      at = -1;
      parts = all.map(part);
      blocks.replaceChildren(...parts.flatMap(({ name, list, more }) => [name, list, more]));
    }
    // The word at the caret is looked at; before anything is typed, the longest piece.
    function draw(caret) {
      found = all.map((each) => encode(each, text, recognise, t));
      parts.forEach((each, i) => fill(each, found[i]));
      const { pieces, words } = found[one];
      let end = 0;
      if (caret !== undefined && words) {
        const word = words.findIndex((each) => (end += each.length) >= caret);
        at = pieces.findIndex((piece) => piece.word === word);
      } else if (at < 0 && pieces?.length) at = pieces.indexOf(longest(pieces));
      choose(one, at);
      ui.sentence(sentence(all, found, text, t));
      ui.table(...numbers(ROWS), t('Numbers'));
    }
    // The places of one tokenizer: its name with counts, its pieces, and what else is to be said.
    function part(each, i) {
      const title = make('b', {}, make('bdi', {}, nameOf(each, t))), counts = make('span');
      const list = make('div', { class: 'chips', role: 'listbox', tabindex: 0, 'aria-orientation': 'horizontal',
        'aria-label': t('Pieces: {name}', { name: nameOf(each, t) }), onkeydown: (event) => moved(event, i),
        onclick: (event) => {
          const chip = event.target.closest('.chip');
          if (chip) choose(i, [...list.children].indexOf(chip), true);
        } });
      return { name: make('p', { class: 'name' }, title, counts), counts, list, more: make('p', { class: 'more' }), old: [] };
    }
    // Chips that stay the same, at the beginning and at the end, are left where they are.
    function fill(part, { pieces = [], wrong }) {
      const now = pieces.slice(0, MOST), { list, old } = part, most = Math.min(now.length, old.length);
      const same = (a, b) => a.id === b.id && a.text === b.text && a.special === b.special;
      let start = 0, kept = 0;
      while (start < most && same(old[start], now[start])) start++;
      while (kept < most - start && same(old[old.length - 1 - kept], now[now.length - 1 - kept])) kept++;
      for (let k = old.length - kept; k > start; k--) list.children[k - 1].remove();
      const next = list.children[start] ?? null;
      for (const piece of now.slice(start, now.length - kept))
        list.insertBefore(chipOf(piece, { role: 'option', 'aria-selected': 'false' }, '', String(piece.id ?? '–')), next);
      now.forEach((piece, k) => k >= start && list.children[k].style.setProperty('--hue', `var(--${HUES[k % 4]})`));
      part.old = now;
      list.hidden = !now.length;
      const rate = pieces.length ? written([...text].length / pieces.length) : '–';
      part.counts.textContent = wrong ? '' : ' · ' + counted(pieces, t) + ' · ' + t('{rate} characters a token', { rate });
      part.more.textContent = wrong ?? (pieces.length > MOST ? t('{count} more pieces are not drawn.', { count: count(pieces.length - MOST) }) : '');
    }
    function chipOf(piece, attributes, more, id) {
      const kinds = ['chip', more, piece.broken && 'broken', piece.special && 'special'].filter(Boolean).join(' ');
      return make('span', { ...attributes, class: kinds }, make('bdi', {}, piece.text), ...(id ? [' ', make('small', {}, id)] : []));
    }
    function choose(which, k, asked) {
      const { pieces, words } = found[which], last = Math.min(pieces?.length ?? 0, MOST) - 1;
      one = which;
      at = clamp(k, 0, Math.max(last, 0));
      const word = pieces?.[at]?.word, { list } = parts[which], chosen = list.children[at];
      for (const each of parts) each.list.removeAttribute('aria-activedescendant');
      for (const chip of blocks.querySelectorAll('.mate, [aria-selected=true]')) {
        chip.classList.remove('mate');
        chip.setAttribute('aria-selected', 'false');
        chip.removeAttribute('id');
      }
      if (chosen) {
        chosen.setAttribute('aria-selected', 'true');
        chosen.id = 'chosen';
        list.setAttribute('aria-activedescendant', 'chosen');
        if (asked) chosen.scrollIntoView({ block: 'nearest' });
        if (words) pieces.forEach((piece, i) => piece.word === word && list.children[i]?.classList.add('mate'));
      }
      if (asked) step = 1;
      list.after(merges);
      showMerges(all[which], pieces?.[at], words?.[word]);
      if (asked) tell();
    }
    function moved(event, which) {
      const { pieces, words } = found[which], go = { ArrowLeft: -1, ArrowRight: 1, Home: -MOST, End: MOST }[event.key];
      const jump = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0, from = which === one ? at : 0;
      if (!go && !jump) return;
      event.preventDefault();
      if (go) return choose(which, from + go, true);
      const word = pieces[from].word + jump, next = pieces.findIndex((piece) => piece.word === word);
      choose(which, !words ? from + jump : next < 0 ? from : next, true);
    }
    function showMerges(each, piece, word) {
      merges.replaceChildren();
      if (!word || piece.special) return;
      const bytes = utf8(word), said = make('p', { class: 'said' }), rows = make('div');
      const head = make('p', {}, make('b', {}, t('The merges of “{word}”', { word: shown(word) })));
      if (bytes.length > LONGEST) return merges.append(head, t('The word has {count} bytes; merges are shown up to {most}.', { count: count(bytes.length), most: LONGEST }));
      const list = steps(word, each);
      if (!list.length) return merges.append(head, t('No merge fits.'));
      step = clamp(step, 1, list.length);
      const row = (name, symbols, marked) => make('div', { class: 'row' }, make('i', {}, name),
        symbols.map((symbol, i) => chipOf(each.token(symbol), {}, marked.includes(i) ? 'pair' : '')));
      const show = () => {
        const { rank, before, from, after, to } = list[step - 1], name = (symbol) => each.token(symbol).text;
        said.textContent = t('Rank {rank}, the lowest that fits: “{left}” + “{right}” → “{made}”', { rank: count(rank),
          left: name(each.left[rank]), right: name(each.right[rank]), made: name(256 + rank) });
        rows.replaceChildren(row(t('before'), before, from), row(t('after'), after, to));
      };
      show();
      const dial = slider(t('merge'), { min: 1, max: list.length, step: 1, value: step }, (value) => {
        step = value;
        show();
        ui.say(said.textContent);
        tell();
      }, (value) => t('{step} of {all}', { step: value, all: list.length }));
      merges.append(head, dial, said, rows);
    }
    function numbers(most) {
      if (all.length > 1) return [[t('tokenizer'), t('tokens'), t('characters a token')],
        found.map(({ pieces }, i) => [nameOf(all[i], t), pieces ? count(pieces.length) : '–', pieces?.length ? written([...text].length / pieces.length) : '–'])];
      return [[t('piece'), t('bytes'), t('id')], (found[0].pieces ?? []).slice(0, most).map((piece) => [piece.text, hex(piece.bytes), piece.id ?? '–'])];
    }
    // What stands in the page, as one picture.
    function drawn() {
      blocks.className = 'all';
      const box = blocks.getBoundingClientRect();
      const svg = make('svg:svg', { viewBox: `0 0 ${Math.ceil(box.width)} ${Math.ceil(box.height)}` });
      for (const node of blocks.querySelectorAll(':scope > p:not(:empty), .chips > .chip')) {
        const { left, top, width, height } = node.getBoundingClientRect(), x = left - box.left, y = top - box.top;
        const chip = node.matches('.chip'), middle = { x: x + width / 2, 'text-anchor': 'middle' };
        if (chip) svg.append(make('svg:rect', { x, y, width, height, rx: 4, fill: 'var(--panel)', stroke: node.style.getPropertyValue('--hue') }),
          make('svg:text', { ...middle, y: y + 16 }, node.firstChild.textContent), make('svg:text', { ...middle, y: y + height - 7 }, node.lastChild.textContent));
        else svg.append(make('svg:text', { x, y: y + 16 }, node.textContent));
      }
      blocks.className = '';
      return svg;
    }
    const state = () => ({ text, specials: recognise ? 'recognise' : 'plain', tokenizer: one, piece: at, merge: step });
    function tell() {
      model.set('state', state());
      model.save_changes();
    }
    // While a character is composed the text is not yet what the reader means.
    function typed(event) {
      if (event.isComposing) return;
      text = area.value;
      step = 1;
      draw(area.selectionStart);
      tell();
      clearTimeout(waiting);
      waiting = setTimeout(() => ui.say(sentence(all, found, text, t)), PAUSE);
    }
    ui.listen(area, 'input', typed);
    ui.listen(area, 'compositionend', typed);
    ui.later(() => clearTimeout(waiting));
    load();
    ui.link(state, (asked) => {
      if (asked.text !== undefined) area.value = text = asked.text;
      recognise = specials.box.checked = asked.specials !== 'plain';
      one = clamp(parseInt(asked.tokenizer) || 0, 0, all.length - 1);
      at = parseInt(asked.piece) || 0;
      step = parseInt(asked.merge) || 1;
    });
    ui.exports([
      ['SVG', 'tokens.svg', () => standalone(drawn(), ui)],
      ['PNG', 'tokens.png', () => picture(standalone(drawn(), ui))],
      ['CSV', 'tokens.csv', () => csv([t('tokenizer'), t('piece'), t('bytes'), t('id')], found.flatMap(({ pieces }, i) =>
        (pieces ?? []).map((piece) => [nameOf(all[i], t), piece.text, hex(piece.bytes), piece.id ?? '–'])))],
    ]);
    ui.onModel('change:record', () => { load(); draw(); });
    draw();
    return ui.dispose;
  },
};
