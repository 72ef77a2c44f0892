import { identifierOf, type Statement, type Token } from './sql-tokens.ts';

/** What a statement creates or drops, from its text alone. Without a schema, the search path decides. */
export interface NamedObject {
  readonly kind:
    | 'table'
    | 'index'
    | 'view'
    | 'sequence'
    | 'schema'
    | 'extension'
    | 'type'
    | 'database'
    | 'tablespace'
    | 'subscription';
  readonly schema: string | undefined;
  readonly name: string;
  /** The table of an index. */
  readonly table?: { readonly schema: string | undefined; readonly name: string };
  /** With IF NOT EXISTS or IF EXISTS. */
  readonly lenient: boolean;
}

const words: Readonly<Record<string, NamedObject['kind']>> = {
  TABLE: 'table',
  INDEX: 'index',
  VIEW: 'view',
  SEQUENCE: 'sequence',
  SCHEMA: 'schema',
  EXTENSION: 'extension',
  TYPE: 'type',
  DOMAIN: 'type',
  DATABASE: 'database',
  TABLESPACE: 'tablespace',
  SUBSCRIPTION: 'subscription',
};

const before = new Set([
  'UNIQUE',
  'UNLOGGED',
  'FOREIGN',
  'MATERIALIZED',
  'RECURSIVE',
  'OR',
  'REPLACE',
  'GLOBAL',
  'LOCAL',
]);

/** The object of a `CREATE …`; undefined for other statements, temporary objects and names that cannot be read. */
export function objectCreatedBy(sql: string, statement: Statement): NamedObject | undefined {
  return objectAfter(sql, statement, 'CREATE');
}

/** The first object of a `DROP …`. */
export function objectDroppedBy(sql: string, statement: Statement): NamedObject | undefined {
  return objectAfter(sql, statement, 'DROP');
}

function objectAfter(sql: string, { tokens }: Statement, verb: 'CREATE' | 'DROP'): NamedObject | undefined {
  const at = cursor(sql, tokens);
  if (!at.skip(verb)) return undefined;
  while (before.has(at.word())) at.next();
  const kind = words[at.word()];
  if (kind === undefined) return undefined;
  at.next();
  at.skip('CONCURRENTLY');
  const lenient = verb === 'CREATE' ? at.skip('IF', 'NOT', 'EXISTS') : at.skip('IF', 'EXISTS');
  // The server names an index without a name.
  if (kind === 'index' && at.word() === 'ON') return undefined;
  if (kind === 'schema' && at.word() === 'AUTHORIZATION') return undefined;
  const name = at.name();
  if (name === undefined) return undefined;
  if (kind !== 'index' || verb === 'DROP') return { kind, ...name, lenient };
  if (!at.skip('ON')) return undefined;
  at.skip('ONLY');
  const table = at.name();
  return table === undefined ? undefined : { kind, ...name, table, lenient };
}

interface Cursor {
  word(): string;
  next(): void;
  /** Skips these words if all of them follow. */
  skip(...wanted: readonly string[]): boolean;
  name(): { readonly schema: string | undefined; readonly name: string } | undefined;
}

function cursor(sql: string, tokens: readonly Token[]): Cursor {
  let position = 0;
  function textAt(index: number): string {
    const token = tokens[index];
    return token === undefined ? '' : sql.slice(token.start, token.end);
  }
  function wordAt(index: number): string {
    return tokens[index]?.kind === 'word' ? textAt(index).toUpperCase() : '';
  }
  function identifier(): string | undefined {
    const token = tokens[position];
    const found = token === undefined ? undefined : identifierOf(sql, token);
    if (found !== undefined) position += 1;
    return found;
  }
  return {
    word: () => wordAt(position),
    next: () => {
      position += 1;
    },
    skip(...wanted) {
      if (!wanted.every((word, index) => wordAt(position + index) === word)) return false;
      position += wanted.length;
      return true;
    },
    name() {
      const first = identifier();
      if (first === undefined) return undefined;
      if (textAt(position) !== '.') return { schema: undefined, name: first };
      position += 1;
      const second = identifier();
      return second === undefined || textAt(position) === '.' ? undefined : { schema: first, name: second };
    },
  };
}
