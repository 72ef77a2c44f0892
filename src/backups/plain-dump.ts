/**
 * Reads a plain dump as psql does, and lets none of psql's own commands through that a dump does not need: `\!`, `\copy`,
 * `\i`, `\o` and all others would act where psql runs. The rules are those of psqlscan.l: strings, quoted names, dollar
 * quotes, nested comments, bodies between BEGIN ATOMIC and END, and rows between COPY and `\.`.
 */

/** Why the rest of a dump was not passed on. */
export interface DumpRefusal {
  /** Counted from 1. */
  readonly line: number;
  /** A clause, such as `\! id is a command of psql`. */
  readonly reason: string;
}

export interface DumpReader {
  /** What psql may read of the text so far: nothing from the first refusal on. */
  take(chunk: Uint8Array): Buffer;
  end(): Buffer;
  refusal(): DumpRefusal | undefined;
}

/**
 * A word of letters and digits that the dump cannot know: psql gets `\restrict <key>`, and refuses its commands itself.
 * Undefined for a psql that lacks it: text that it could read in another way than this reader is refused too.
 */
export type RestrictKey = string | undefined;

/** What is known of a statement, outside of quotes and comments. */
interface Statement {
  readonly words: readonly string[];
  readonly last: string;
  readonly isRows: boolean;
  readonly parens: number;
  readonly bodies: number;
}

const fresh: Statement = { words: [], last: '', isRows: false, parens: 0, bodies: 0 };

/** In no dump is a word, a tag or a command longer: names have at most 63 bytes. */
const longestToken = 8_192;

/** As pg_dump and pg_dumpall write it: a plain name, or a name or `dbname='…'` in double quotes. */
const connect =
  /^\\connect (?:-reuse-previous=on )?(?:[\w.$-]+|"(?!postgres(?:ql)?:)(?:dbname='(?:[^'"\\]|\\[^"]|"")*'|(?:[^="]|"")*)")\s*$/;

/** The ends of what is read in one piece. */
const ends = {
  'line-comment': /[\n\r]/g,
  comment: /\/\*|\*\//g,
  string: /'/g,
  'escape-string': /['\\]/g,
  name: /"/g,
  dollar: /\$/g,
} as const;

type Inside = keyof typeof ends | 'sql' | 'rows' | 'command';

const tokens =
  /[A-Za-z_\x80-\xff][\w$\x80-\xff]*|\d[\w$\x80-\xff]*|[ \t\n\r\f\v]+|--|\/\*|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$|[^]/y;

/** `allowsRows`: whether COPY … FROM stdin is allowed, which a dump of roles has not. Default true. */
export function dumpReader(restrictKey: RestrictKey, { allowsRows = true } = {}): DumpReader {
  const isStrict = restrictKey === undefined;
  const out: string[] = isStrict ? [] : [`\\restrict ${restrictKey}\n`];
  let inside: Inside = 'sql';
  let statement = fresh;
  let depth = 0;
  let tag = '';
  let line = 1;
  let isLineStart = true;
  /** After the end of a string with escapes: a string that follows on the next line would continue it. */
  let mayContinue = false;
  /** The last word makes the string that follows one with escapes. */
  let isEscape = false;
  let isFirstRow = false;
  let previous = '';
  let rest = '';
  let refused: DumpRefusal | undefined;

  function refuse(reason: string): void {
    refused ??= { line, reason };
  }

  function isCommand(): boolean {
    return inside === 'command';
  }

  function read(text: string, isLast: boolean): Buffer {
    if (text.includes('\0')) refuse('it contains a NUL');
    let at = 0;
    while (at < text.length && refused === undefined) {
      const wasCommand = inside === 'command';
      const next = step(text, at, isLast);
      if (next === at) break;
      const piece = text.slice(at, next);
      if (wasCommand) command(piece);
      else if (!isCommand()) out.push(piece);
      for (let feed = piece.indexOf('\n'); feed !== -1; feed = piece.indexOf('\n', feed + 1)) line += 1;
      isLineStart = piece.endsWith('\n');
      previous = piece.at(-1) ?? '';
      at = next;
    }
    rest = refused === undefined ? text.slice(at) : '';
    if (rest.length > longestToken) refuse('it has a word that is too long');
    const passed = refused === undefined ? Buffer.from(out.join(''), 'latin1') : Buffer.alloc(0);
    out.length = 0;
    return passed;
  }

  /** Returns the end of the next piece, or `at` if only more text will show it. */
  function step(text: string, at: number, isLast: boolean): number {
    if (inside === 'sql') return sql(text, at, isLast);
    if (inside === 'rows') return rows(text, at, isLast);
    if (inside === 'command') {
      const feed = text.indexOf('\n', at);
      return feed !== -1 ? feed + 1 : isLast ? text.length : at;
    }
    const end = ends[inside];
    end.lastIndex = at;
    const found = end.exec(text);
    // Half of the end of a comment may have arrived.
    if (found === null) return inside === 'comment' && !isLast && /[*/]$/.test(text) ? text.length - 1 : text.length;
    return quoted(text, found[0], found.index, at, isLast);
  }

  function quoted(text: string, end: string, index: number, at: number, isLast: boolean): number {
    // What an end means depends on what follows it.
    if (index + 1 >= text.length && !isLast) return index > at ? index : at;
    const next = text[index + 1] ?? '';
    switch (inside) {
      case 'comment':
        if (end === '*/' && depth === 0) inside = 'sql';
        depth += end === '/*' ? 1 : depth > 0 ? -1 : 0;
        return index + 2;
      case 'dollar': {
        if (text.startsWith(tag, index)) {
          inside = 'sql';
          return index + tag.length;
        }
        const isShort = text.length - index < tag.length && tag.startsWith(text.slice(index));
        return isShort && !isLast ? (index > at ? index : at) : index + 1;
      }
      case 'escape-string':
        if (isStrict && end === '\\' && /[\x80-\xff]/.test(text[index - 1] ?? previous))
          refuse('it has a backslash that could be part of a character');
        if (end === '\\') return Math.min(text.length, index + 2);
        if (next === "'") return index + 2;
        mayContinue = true;
        inside = 'sql';
        return index + 1;
      case 'string':
        if (isStrict && (index === 0 ? previous : text[index - 1]) === '\\')
          refuse('it has a string that ends in a backslash');
        inside = next === "'" ? 'string' : 'sql';
        return next === "'" ? index + 2 : index + 1;
      default:
        inside = 'sql';
        return index + 1;
    }
  }

  function sql(text: string, at: number, isLast: boolean): number {
    tokens.lastIndex = at;
    const token = tokens.exec(text)?.[0] ?? '';
    const next = at + token.length;
    const following = text[next] ?? '';
    // A `$` alone may begin a tag whose end has not arrived.
    const isOpen = next === text.length || (token === '$' && /^\$[\w\x80-\xff]*$/.test(text.slice(at)));
    if (isOpen && !isLast) return at;
    if (/^\s/.test(token)) return next;
    if (token === '--' || token === '/*') {
      inside = token === '--' ? 'line-comment' : 'comment';
      depth = 0;
      return next;
    }
    if (token === "'" && mayContinue) refuse('it has two strings in a row');
    mayContinue = false;
    if (/^[A-Za-z_\x80-\xff]/.test(token)) word(token.toLowerCase(), following);
    else if (/^\d/.test(token)) {
      if (/[^\d]/.test(token) && (following === "'" || token.includes('$'))) refuse('it has a number without an end');
      other();
    } else if (token.length > 1) {
      tag = token;
      inside = 'dollar';
      other();
    } else symbol(token, following);
    return next;
  }

  function symbol(token: string, following: string): void {
    if (token === "'") inside = isEscape ? 'escape-string' : 'string';
    isEscape = false;
    if (token === '"') inside = 'name';
    else if (token === '\\') {
      if (isLineStart) inside = 'command';
      else refuse('it has a backslash outside of quotes');
    } else if (token === '(') statement = { ...statement, parens: statement.parens + 1 };
    else if (token === ')') statement = { ...statement, parens: Math.max(0, statement.parens - 1) };
    else if (token === ';' && statement.parens === 0 && statement.bodies === 0) {
      if (statement.isRows && !allowsRows) refuse('it has rows, which a dump of roles has not');
      if (statement.isRows) {
        inside = 'rows';
        isFirstRow = true;
      }
      statement = fresh;
      return;
    } else if (isStrict && token === ':' && previous !== ':' && /[A-Za-z_'"{\x80-\xff]/.test(following))
      refuse('it has a variable of psql');
    if (isStrict && /[@[\]^`{|}~]/.test(token) && /[\x80-\xff]/.test(previous))
      refuse('it has a sign that could be part of a character');
    other();
  }

  function other(): void {
    statement = { ...statement, last: '' };
  }

  function word(lower: string, following: string): void {
    isEscape = lower === 'e' && following === "'";
    const { words, parens, last, bodies } = statement;
    const isRoutine = parens === 0 && /^create (?:or replace )?(?:function|procedure)\b/.test(words.join(' '));
    const opens = lower === 'begin' || (lower === 'case' && bodies > 0);
    const body = !isRoutine ? 0 : opens ? 1 : lower === 'end' && bodies > 0 ? -1 : 0;
    const isRows = words[0] === 'copy' && parens === 0 && last === 'from' && lower === 'stdin';
    statement = {
      words: words.length < 4 ? [...words, lower] : words,
      last: lower,
      isRows: statement.isRows || isRows,
      parens,
      bodies: bodies + body,
    };
  }

  /** Rows are copied without looking at them, up to a line with `\.` only. */
  function rows(text: string, at: number, isLast: boolean): number {
    if (text.length - at < 4 && !isLast) return at;
    if (isFirstRow) {
      isFirstRow = false;
      const end = /^\r?\n/.exec(text.slice(at, at + 2));
      if (end === null) refuse('it has text after COPY … FROM stdin');
      return at + Math.max(1, end?.[0].length ?? 1);
    }
    const last = isLineStart ? /^\\\.\r?(?:\n|$)/.exec(text.slice(at, at + 4)) : null;
    if (last !== null) {
      inside = 'sql';
      return at + last[0].length;
    }
    const feed = text.indexOf('\n', at);
    return feed === -1 ? text.length : feed + 1;
  }

  /** Passes on what a dump needs, and nothing else. */
  function command(piece: string): void {
    const text = `\\${piece}`.replace(/\r?\n$/, '');
    inside = 'sql';
    if (/^\\(?:un)?restrict [A-Za-z0-9]+\s*$/.test(text)) out.push('\n');
    else if (!connect.test(text)) refuse(`${text.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, '?')} is a command of psql`);
    else out.push(isStrict ? `${text}\n` : `\\unrestrict ${restrictKey}\n${text}\n\\restrict ${restrictKey}\n`);
  }

  return {
    take: (chunk) => read(rest + Buffer.from(chunk).toString('latin1'), false),
    end: () => read(rest, true),
    refusal: () => refused,
  };
}
