import { type Token, tokensOf } from './sql-tokens.ts';

/** A part of an SQL text up to and with its semicolon, and the blanks and comments before it. */
export interface Statement {
  readonly text: string;
  /** Offset of `text`. */
  readonly start: number;
  /** What is neither blank nor comment nor the semicolon. */
  readonly tokens: readonly Token[];
  /** Of the words among `tokens` up to the eighth, in capitals; quoted identifiers and all else leave an empty place. */
  readonly words: readonly string[];
}

export interface Split {
  /** In order; joined they are the text again, with `rest`. */
  readonly statements: readonly Statement[];
  /** Blanks and comments after the last statement. */
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

/** The text of a token as an identifier: folded to small letters, or as its quotes hold it. */
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
