/** Characters that look like a blank: no-break, thin, figure and ideographic spaces. */
const spaces = /[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/g;

/** Characters that are not shown: zero-width space, word joiner, soft hyphen, byte-order mark. Joiners of letters and emoji are kept. */
const invisible = /[\u00AD\u200B\u2060\uFEFF]/g;

const dashes = /[\u2010-\u2015\u2212\uFE58\uFE63]/g;

/** Any character that `plainCharacters` replaces. */
const unusual = /[\u00A0\u00AD\u1680\u2000-\u200B\u2010-\u2015\u202F\u205F\u2060\u2212\u3000\uFE58\uFE63\uFEFF-\uFF5E]/;

/** A text with the plain ASCII form of blanks, dashes and full-width characters, and without invisible ones. */
export function plainCharacters(text: string): string {
  if (!unusual.test(text)) return text;
  return text
    .replaceAll(spaces, ' ')
    .replaceAll(invisible, '')
    .replaceAll(dashes, '-')
    .replaceAll(/[\uFF01-\uFF5E]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
}

/** Named character references that people type. Others stay as written. */
const names: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00A0',
  ndash: '–',
  mdash: '—',
  hellip: '…',
};

/** What `inlineText` does with struck-out text (`~~old~~`): a title keeps it, a value does not. */
export type StruckText = 'keep' | 'drop';

/** A piece of text, or a run of `*`, `_` or `~` that may open or close emphasis. */
interface Piece {
  text: string;
  readonly run?: { readonly mark: string; readonly opens: boolean; readonly closes: boolean };
}

/** No real title is longer, and the time grows with the square of the length. */
const longest = 2000;

const special = /[\\`*_~<>&[\]!]/;

/**
 * What a reader of the page sees of inline Markdown (CommonMark 0.31 §6, with the strikethrough of GFM): without
 * escapes, emphasis, code marks, tags and the addresses of links. A reference link needs both pairs of brackets, so `[x]`
 * stays as written, and so does a text of more than 2,000 characters.
 */
export function inlineText(source: string, struck: StruckText = 'keep'): string {
  if (source.length > longest || !special.test(source)) return source;
  const pieces: Piece[] = [];
  let at = 0;
  function add(text: string, length: number): void {
    pieces.push({ text });
    at += length;
  }
  while (at < source.length) {
    const char = source.charAt(at);
    const rest = source.slice(at);
    if (char === '\\' && /^\\[!-/:-@[-`{-~]/.test(rest)) add(source.charAt(at + 1), 2);
    else if (char === '`') {
      const [run = ''] = /^`+/.exec(rest) ?? [];
      const code = codeAfter(rest, run.length);
      add(code?.text ?? run, code?.length ?? run.length);
    } else if (char === '<') {
      const [tag] = /^<!--(?:>|->|[\s\S]*?-->)|^<\/?[A-Za-z][^<>]*>/.exec(rest) ?? [];
      const [, address] = /^<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+)>/.exec(rest) ?? [];
      if (address !== undefined) add(address, address.length + 2);
      else add(tag === undefined ? '<' : /^<br\b/i.test(tag) ? ' ' : '', tag?.length ?? 1);
    } else if (char === '&') {
      const [reference = '&', name, decimal, hex] =
        /^&(?:([A-Za-z]+)|#(\d{1,7})|#[xX]([\dA-Fa-f]{1,6}));/.exec(rest) ?? [];
      add(named(name) ?? numbered(decimal, hex) ?? reference, reference.length);
    } else if (char === '[' || rest.startsWith('![')) {
      const link = linkAt(rest);
      if (link === undefined) add(char, 1);
      else add(inlineText(link.text, struck), link.length);
    } else if (char === '*' || char === '_' || char === '~') {
      const run = runAt(source, at);
      pieces.push(run);
      at += run.text.length;
    } else {
      const [plain = char] = /^[^\\`<&[!*_~]+/.exec(rest) ?? [];
      add(plain, plain.length);
    }
  }
  return withoutEmphasis(pieces, struck);
}

function codeAfter(rest: string, ticks: number): { readonly text: string; readonly length: number } | undefined {
  for (const { 0: run, index } of rest.matchAll(/`+/g)) {
    if (index === 0 || run.length !== ticks) continue;
    const inside = rest.slice(ticks, index).replaceAll(/\r\n|\n|\r/g, ' ');
    const padded = inside.startsWith(' ') && inside.endsWith(' ') && inside.trim() !== '';
    return { text: padded ? inside.slice(1, -1) : inside, length: index + ticks };
  }
  return undefined;
}

function named(name: string | undefined): string | undefined {
  return name !== undefined && Object.hasOwn(names, name) ? names[name] : undefined;
}

function numbered(decimal: string | undefined, hex: string | undefined): string | undefined {
  const code = decimal === undefined ? (hex === undefined ? undefined : Number.parseInt(hex, 16)) : Number(decimal);
  if (code === undefined) return undefined;
  return code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? '\uFFFD' : String.fromCodePoint(code);
}

/** `[text](address)`, `[text][reference]` and images. The text may hold one more pair of brackets. */
function linkAt(rest: string): { readonly text: string; readonly length: number } | undefined {
  const match =
    /^!?\[((?:[^[\]\\]|\\.|\[(?:[^[\]\\]|\\.){0,200}\]){0,500})\](?:\((?:<[^<>\n]{0,2000}>|[^\s()<>]{0,2000}(?:\([^\s()]{0,500}\)[^\s()]{0,500})?)(?:\s+(?:"[^"]{0,500}"|'[^']{0,500}'))?\s*\)|\[[^[\]]{1,200}\])/.exec(
      rest,
    );
  return match === null ? undefined : { text: match[1] ?? '', length: match[0].length };
}

/** Whether a run can open or close emphasis (CommonMark 0.31 §6.2). */
function runAt(source: string, at: number): Piece {
  const mark = source.charAt(at);
  let end = at;
  while (source.charAt(end) === mark) end += 1;
  const before = source.slice(Math.max(0, at - 2), at).match(/.$/su)?.[0] ?? ' ';
  const after = source.slice(end, end + 2).match(/^./su)?.[0] ?? ' ';
  const left = !/\s/.test(after) && (!isPunctuation(after) || /\s/.test(before) || isPunctuation(before));
  const right = !/\s/.test(before) && (!isPunctuation(before) || /\s/.test(after) || isPunctuation(after));
  const opens = mark === '_' ? left && (!right || isPunctuation(before)) : left;
  const closes = mark === '_' ? right && (!left || isPunctuation(after)) : right;
  return { text: source.slice(at, end), run: { mark, opens, closes } };
}

function isPunctuation(char: string): boolean {
  return /[\p{P}\p{S}]/u.test(char);
}

/** Takes away the runs that make emphasis, in pairs from the inside out. What is left of a run stays as text. */
function withoutEmphasis(pieces: readonly Piece[], struck: StruckText): string {
  const opened: number[] = [];
  pieces.forEach((piece, position) => {
    const { run } = piece;
    if (run === undefined) return;
    while (run.closes && piece.text !== '') {
      const found = opened.findLastIndex((index) => isPair(pieces[index], piece));
      const opener = pieces[opened[found] ?? -1];
      if (opener === undefined) break;
      const from = opened[found] ?? position;
      const length = run.mark === '~' ? piece.text.length : Math.min(opener.text.length, piece.text.length, 2);
      opener.text = opener.text.slice(length);
      piece.text = piece.text.slice(length);
      if (run.mark === '~' && struck === 'drop') for (const inside of pieces.slice(from, position)) inside.text = '';
      opened.length = opener.text === '' ? found : found + 1;
    }
    if (run.opens && piece.text !== '') opened.push(position);
  });
  return pieces.map(({ text }) => text).join('');
}

function isPair(opener: Piece | undefined, closer: Piece): boolean {
  if (opener?.run === undefined || closer.run === undefined || opener.run.mark !== closer.run.mark) return false;
  const [a, b] = [opener.text.length, closer.text.length];
  if (closer.run.mark === '~') return a === b && a <= 2;
  const both = (opener.run.closes && opener.run.opens) || (closer.run.opens && closer.run.closes);
  return !both || (a + b) % 3 !== 0 || (a % 3 === 0 && b % 3 === 0);
}
