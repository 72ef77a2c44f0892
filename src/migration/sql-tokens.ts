/**
 * PostgreSQL's lexical structure (chapter 4.1 of the manual, with `standard_conforming_strings` on), exact enough to tell
 * keywords from text that only looks like one.
 */

export type TokenKind =
  | 'blank'
  | 'comment'
  /** An identifier or keyword without quotes. */
  | 'word'
  | 'quoted-identifier'
  /** All forms: plain, E'', B'', X'', N'', U&''. */
  | 'string'
  /** `$$…$$`, `$tag$…$tag$`. */
  | 'dollar-string'
  | 'number'
  | 'semicolon'
  /** A command of psql. Outside quotes a server does not accept it. */
  | 'backslash'
  | 'other';

export interface Token {
  readonly kind: TokenKind;
  /** Offsets in UTF-16 units; the end is exclusive. */
  readonly start: number;
  readonly end: number;
  /** A quote or comment without an end. */
  readonly unclosed?: true;
}

const patterns = [
  ['blank', /[ \t\n\r\f\v]+/y],
  ['comment', /--[^\n\r]*/y],
  ['number', /[0-9][0-9A-Za-z_.]*/y],
  ['semicolon', /;/y],
  ['backslash', /\\/y],
] as const satisfies readonly (readonly [TokenKind, RegExp])[];

const wordPattern = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;

const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

const parameter = /\$[0-9]+/y;

/** White space with a line break and then a quote continue a string in the same form. */
const continuation = /(?:[ \t\f\v]|--[^\n\r]*(?=[\n\r]))*[\n\r](?:[ \t\n\r\f\v]+|--[^\n\r]*[\n\r])*'/y;

/** Splits a text into tokens. Every character is in exactly one token, in order. */
export function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length;) {
    const token = tokenAt(sql, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function tokenAt(sql: string, start: number): Token {
  if (sql.startsWith('/*', start)) return closed('comment', start, endOfBlockComment(sql, start), sql);
  for (const [kind, pattern] of patterns) {
    const end = match(pattern, sql, start);
    if (end !== undefined) return { kind, start, end };
  }
  if (sql[start] === "'") return closed('string', start, endOfString(sql, start, false), sql);
  if (sql[start] === '"') return closed('quoted-identifier', start, endOfQuoted(sql, start, '"'), sql);
  if (sql[start] === '$') return dollarAt(sql, start);
  const end = match(wordPattern, sql, start);
  if (end === undefined) return { kind: 'other', start, end: start + 1 };
  const prefix = sql.slice(start, end).toLowerCase();
  if (sql[end] === "'" && /^[ebxn]$/.test(prefix))
    return closed('string', start, endOfString(sql, end, prefix === 'e'), sql);
  if (prefix === 'u' && sql[end] === '&') {
    if (sql[end + 1] === "'") return closed('string', start, endOfString(sql, end + 1, false), sql);
    if (sql[end + 1] === '"') return closed('quoted-identifier', start, endOfQuoted(sql, end + 1, '"'), sql);
  }
  return { kind: 'word', start, end };
}

function dollarAt(sql: string, start: number): Token {
  const opened = match(dollarTag, sql, start);
  if (opened === undefined) return { kind: 'other', start, end: match(parameter, sql, start) ?? start + 1 };
  const tag = sql.slice(start, opened);
  const closing = sql.indexOf(tag, opened);
  return closed('dollar-string', start, closing === -1 ? undefined : closing + tag.length, sql);
}

function closed(kind: TokenKind, start: number, end: number | undefined, sql: string): Token {
  return end === undefined ? { kind, start, end: sql.length, unclosed: true } : { kind, start, end };
}

/** Block comments nest. */
function endOfBlockComment(sql: string, start: number): number | undefined {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let found = mark.exec(sql); found !== null; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return undefined;
}

function endOfString(sql: string, quote: number, escapes: boolean): number | undefined {
  let end = escapes ? endOfEscaped(sql, quote) : endOfQuoted(sql, quote, "'");
  while (end !== undefined) {
    const next = match(continuation, sql, end);
    if (next === undefined) return end;
    end = escapes ? endOfEscaped(sql, next - 1) : endOfQuoted(sql, next - 1, "'");
  }
  return undefined;
}

/** A doubled quote stands for one. */
function endOfQuoted(sql: string, quote: number, mark: string): number | undefined {
  for (let at = sql.indexOf(mark, quote + 1); at !== -1; at = sql.indexOf(mark, at + 2)) {
    if (sql[at + 1] !== mark) return at + 1;
  }
  return undefined;
}

function endOfEscaped(sql: string, quote: number): number | undefined {
  for (let at = quote + 1; at < sql.length; at += 1) {
    if (sql[at] === '\\') at += 1;
    else if (sql[at] === "'") {
      if (sql[at + 1] !== "'") return at + 1;
      at += 1;
    }
  }
  return undefined;
}

function match(pattern: RegExp, sql: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : undefined;
}

/** A statement with its semicolon and the white space and comments before it. */
export interface Statement {
  readonly text: string;
  /** Offset of `text`. */
  readonly start: number;
  /** Without white space, comments and the semicolon. */
  readonly tokens: readonly Token[];
  /** The first eight tokens in capitals; empty for all that are not words. */
  readonly words: readonly string[];
}

export interface Split {
  /** In order; joined with `rest` they are the text again. */
  readonly statements: readonly Statement[];
  /** White space and comments after the last statement. */
  readonly rest: string;
  readonly tokens: readonly Token[];
}

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/**
 * Where statements end: at semicolons outside parentheses (`CREATE RULE … DO (a; b)`) and outside the bodies of
 * `CREATE FUNCTION … BEGIN ATOMIC … END`, as psql does it.
 */
export function split(sql: string): Split {
  const tokens = tokensOf(sql);
  const statements: Statement[] = [];
  let start = 0;
  let own: Token[] = [];
  let parentheses = 0;
  let bodies = 0;

  function end(at: number): void {
    statements.push({ text: sql.slice(start, at), start, tokens: own, words: wordsOf(sql, own) });
    start = at;
    own = [];
    parentheses = 0;
    bodies = 0;
  }

  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'blank' || token.kind === 'comment') continue;
    if (token.kind === 'semicolon' && parentheses === 0 && bodies === 0) {
      if (own.length > 0) end(token.end);
      continue;
    }
    own.push(token);
    const text = sql.slice(token.start, token.end);
    if (text === '(') parentheses += 1;
    if (text === ')' && parentheses > 0) parentheses -= 1;
    if (token.kind !== 'word' || parentheses > 0) continue;
    const word = text.toUpperCase();
    if (bodies === 0) {
      if (word === 'BEGIN' && nextWord(sql, tokens, index) === 'ATOMIC' && makesRoutine(wordsOf(sql, own))) bodies = 1;
    } else if (word === 'CASE') bodies += 1;
    else if (word === 'END') bodies -= 1;
  }
  if (own.length > 0) end(sql.length);
  return { statements, rest: sql.slice(start), tokens };
}

/** The name that a token means: folded to lower case, or as quoted. */
export function identifierOf(sql: string, token: Token): string | undefined {
  const text = sql.slice(token.start, token.end);
  if (token.kind === 'word') return text.toLowerCase();
  if (token.kind !== 'quoted-identifier' || !text.startsWith('"')) return undefined;
  return text.slice(1, -1).replaceAll('""', '"');
}

export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function wordsOf(sql: string, tokens: readonly Token[]): readonly string[] {
  return tokens.slice(0, 8).map(({ kind, start, end }) => (kind === 'word' ? sql.slice(start, end).toUpperCase() : ''));
}

function makesRoutine(words: readonly string[]): boolean {
  const [first, second, third, fourth] = words;
  if (first !== 'CREATE') return false;
  const kind = second === 'OR' && third === 'REPLACE' ? fourth : second;
  return kind === 'FUNCTION' || kind === 'PROCEDURE';
}

function nextWord(sql: string, tokens: readonly Token[], index: number): string | undefined {
  const next = tokens.slice(index + 1).find(({ kind }) => kind !== 'blank' && kind !== 'comment');
  return next?.kind === 'word' ? sql.slice(next.start, next.end).toUpperCase() : undefined;
}
