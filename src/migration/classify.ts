import type { Migration } from './files.ts';
import { objectCreatedBy, type NamedObject } from './objects.ts';
import type { RelationName } from './schema-fingerprint.ts';
import { type Position, positionOf, split, type Statement, type Token } from './sql-tokens.ts';

/**
 * How to resume a statement that cannot run inside a transaction (25001) if it is unknown whether it finished: run it `again`
 * (which is harmless), treat it as done if what it creates `exists` or what it drops is `gone`, check an `index` that may be
 * invalid, or leave the decision to a `person`.
 */
export type Resumption = 'again' | 'exists' | 'gone' | 'index' | 'person';

export interface NonTransactional {
  /** The SQL command, such as `CREATE INDEX CONCURRENTLY`. */
  readonly name: string;
  readonly resumption: Resumption;
  /** It waits without blocking others, so it needs no lock_timeout. */
  readonly patient: boolean;
}

const nonTransactionalKinds: readonly (readonly [RegExp, NonTransactional])[] = [
  [/^CREATE (?:UNIQUE )?INDEX CONCURRENTLY\b/, nonTransactional('CREATE INDEX CONCURRENTLY', 'index', true)],
  [/^DROP INDEX CONCURRENTLY\b/, nonTransactional('DROP INDEX CONCURRENTLY', 'gone', true)],
  [/^REINDEX\b.*\bCONCURRENTLY\b/, nonTransactional('REINDEX CONCURRENTLY', 'again', true)],
  [/^REINDEX (?:\( .*\) )?(?:SCHEMA|DATABASE|SYSTEM)\b/, nonTransactional('REINDEX of a schema or database', 'again')],
  [/^VACUUM\b/, nonTransactional('VACUUM', 'again')],
  [/^CLUSTER(?: VERBOSE| \( .* \))?$/, nonTransactional('CLUSTER of all tables', 'again')],
  [/^CREATE DATABASE\b/, nonTransactional('CREATE DATABASE', 'exists')],
  [/^DROP DATABASE\b/, nonTransactional('DROP DATABASE', 'gone')],
  [/^CREATE TABLESPACE\b/, nonTransactional('CREATE TABLESPACE', 'exists')],
  [/^DROP TABLESPACE\b/, nonTransactional('DROP TABLESPACE', 'gone')],
  [/^ALTER DATABASE \S+ SET TABLESPACE\b/, nonTransactional('ALTER DATABASE … SET TABLESPACE', 'again')],
  [/^ALTER SYSTEM\b/, nonTransactional('ALTER SYSTEM', 'again')],
  [
    /^CREATE SUBSCRIPTION\b(?!.*\b(?:CREATE_SLOT|CONNECT) = (?:FALSE|OFF|0)\b)/,
    nonTransactional('CREATE SUBSCRIPTION', 'exists'),
  ],
  [/^DROP SUBSCRIPTION\b/, nonTransactional('DROP SUBSCRIPTION', 'gone')],
  [
    /^ALTER SUBSCRIPTION \S+ (?:REFRESH|SET PUBLICATION|ADD PUBLICATION|DROP PUBLICATION)\b/,
    nonTransactional('ALTER SUBSCRIPTION', 'again'),
  ],
  [
    /^ALTER TABLE\b.*\bDETACH PARTITION\b.*\bCONCURRENTLY\b/,
    nonTransactional('ALTER TABLE … DETACH PARTITION CONCURRENTLY', 'person', true),
  ],
];

/**
 * The kind of a statement that must run alone, outside a transaction (docs/engineering/migrations.md#outside-a-transaction); each was
 * tried on PostgreSQL 15 (25001).
 */
function nonTransactionalKindOf(sql: string, statement: Statement): NonTransactional | undefined {
  const flat = flatText(sql, statement);
  return nonTransactionalKinds.find(([pattern]) => pattern.test(flat))?.[1];
}

/** Roles, databases and tablespaces belong to the whole server, so the lock of one database is not enough for them. */
function isClusterWide(sql: string, statement: Statement): boolean {
  const flat = flatText(sql, statement);
  if (/^(?:CREATE|ALTER|DROP) (?:ROLE|USER|GROUP|DATABASE|TABLESPACE|SYSTEM)\b/.test(flat)) return true;
  if (/^(?:GRANT|REVOKE)\b(?!.* ON )/.test(flat)) return true;
  if (!/^DO\b/.test(flat)) return false;
  return statement.tokens.some(
    ({ kind, start, end }) =>
      (kind === 'dollar-string' || kind === 'string') &&
      /\b(?:create|alter|drop)\s+(?:role|user|group)\b/i.test(sql.slice(start, end)),
  );
}

/**
 * The statement on one line, in capitals, with one space between tokens and a placeholder for all quoted text, so that no
 * keyword comes from a string, a comment or a name.
 */
export function flatText(sql: string, { tokens }: Statement): string {
  return tokens
    .slice(0, 200)
    .map(({ kind, start, end }) => {
      if (kind === 'string' || kind === 'dollar-string') return `'…'`;
      if (kind === 'quoted-identifier') return '"…"';
      return sql.slice(start, end).toUpperCase();
    })
    .join(' ');
}

function nonTransactional(name: string, resumption: Resumption, patient = false): NonTransactional {
  return { name, resumption, patient };
}

/** Why a file is not run, and the position of the reason. */
export interface Obstacle extends Position {
  readonly message: string;
  readonly hint: string;
}

/** `tx`: the whole file runs in one transaction. `nontx`: its only statement runs outside a transaction. */
export type Mode = 'tx' | 'nontx';

export type Runnable =
  | {
      readonly mode: 'tx';
      readonly sql: string;
      readonly statements: readonly Statement[];
      readonly clusterWide: boolean;
    }
  | {
      readonly mode: 'nontx';
      readonly sql: string;
      readonly statement: Statement;
      readonly kind: NonTransactional;
      readonly clusterWide: boolean;
    };

/**
 * How a file runs, decided from its text alone: in one transaction, or outside one if PostgreSQL requires it. A file that needs
 * both, or that would end the runner's transaction, is refused with all positions.
 */
export function runnableOf(sql: string): Runnable | { readonly obstacles: readonly Obstacle[] } {
  const { statements: all, tokens } = split(sql);
  const obstacles = [...lexicalObstacles(sql, tokens)];
  if (obstacles.length > 0) return { obstacles };
  const own = ownTransaction(sql, all);
  const statements = all.filter((statement) => !own.includes(statement));
  const clusterWide = statements.some((statement) => isClusterWide(sql, statement));
  const kinds = statements.map((statement) => nonTransactionalKindOf(sql, statement));
  const [first] = statements;
  const [firstKind] = kinds;
  if (all.length === 1 && first !== undefined && firstKind !== undefined && isUnnamed(sql, first, firstKind))
    return {
      obstacles: [
        obstacle(sql, first, 'This index has no name, so an unfinished one could not be recognised.', {
          hint: 'Give it a name.',
        }),
      ],
    };
  if (all.length === 1 && first !== undefined && firstKind !== undefined)
    return { mode: 'nontx', sql: first.text, statement: first, kind: firstKind, clusterWide };
  for (const [index, statement] of statements.entries()) {
    const kind = kinds[index];
    if (kind !== undefined)
      obstacles.push(
        obstacle(
          sql,
          statement,
          `${kind.name} cannot run inside a transaction, but this file contains other statements as well.`,
          {
            hint: 'Move it to a separate file.',
          },
        ),
      );
    const refused = obstaclesIn(sql, statement);
    if (refused !== undefined) obstacles.push(refused);
  }
  if (obstacles.length > 0) return { obstacles };
  return { mode: 'tx', sql: replaceWithSpaces(sql, own), statements, clusterWide };
}

function* lexicalObstacles(sql: string, tokens: readonly Token[]): Generator<Obstacle> {
  const zero = sql.indexOf('\0');
  if (zero !== -1)
    yield { ...positionOf(sql, zero), message: 'NUL character.', hint: 'Remove it: PostgreSQL does not accept it.' };
  for (const { kind, start, unclosed } of tokens) {
    if (unclosed === true)
      yield {
        ...positionOf(sql, start),
        message: `Unterminated ${kind === 'comment' ? 'comment' : 'quote'}.`,
        hint: 'Close it.',
      };
    if (kind === 'backslash')
      yield {
        ...positionOf(sql, start),
        message: 'Commands of psql, with a backslash, are not supported.',
        hint: 'Use SQL: a separate file for \\i, INSERT for \\copy, the value itself for \\set.',
      };
  }
}

/** BEGIN and COMMIT around a whole file, which do what the runner does anyway. */
function ownTransaction(sql: string, statements: readonly Statement[]): readonly Statement[] {
  const [first] = statements;
  const last = statements.at(-1);
  if (first === undefined || last === undefined || statements.length < 2) return [];
  const begins = /^(?:BEGIN(?: WORK| TRANSACTION)?|START TRANSACTION)$/.test(flatText(sql, first));
  const commits = /^(?:COMMIT|END)(?: WORK| TRANSACTION)?$/.test(flatText(sql, last));
  return begins && commits ? [first, last] : [];
}

/** Replaces them with spaces, so that positions in the server's messages stay correct. */
function replaceWithSpaces(sql: string, statements: readonly Statement[]): string {
  let result = sql;
  for (const { start, end } of statements.flatMap(({ tokens }) => tokens))
    result = result.slice(0, start) + ' '.repeat(end - start) + result.slice(end);
  return result;
}

function obstaclesIn(sql: string, statement: Statement): Obstacle | undefined {
  const flat = flatText(sql, statement);
  if (
    /^(?:BEGIN|START TRANSACTION|COMMIT|END|ABORT|PREPARE TRANSACTION)\b|^ROLLBACK(?! (?:WORK |TRANSACTION )?TO\b)/.test(
      flat,
    )
  )
    return obstacle(
      sql,
      statement,
      'The runner controls the transaction: each file is applied completely or not at all.',
      {
        hint: 'Remove it. BEGIN as the first and COMMIT as the last statement are ignored.',
      },
    );
  if (/^COPY\b.*\bFROM STDIN\b/.test(flat))
    return obstacle(sql, statement, 'COPY … FROM STDIN needs psql, which is not used here.', {
      hint: 'Write INSERT.',
    });
  if (/^DISCARD ALL\b/.test(flat) || /\bPG_ADVISORY_UNLOCK_ALL\b/.test(flat))
    return obstacle(sql, statement, 'This would release the lock under which migrations run.', {
      hint: 'Remove it.',
    });
  return undefined;
}

function isUnnamed(sql: string, statement: Statement, { resumption }: NonTransactional): boolean {
  return resumption === 'index' && objectCreatedBy(sql, statement) === undefined;
}

function obstacle(sql: string, { tokens }: Statement, message: string, { hint }: { readonly hint: string }): Obstacle {
  return { ...positionOf(sql, tokens[0]?.start ?? 0), message, hint };
}

/** The index that a file builds concurrently; else undefined. */
export function indexOfFile({ sql }: Pick<Migration, 'sql'>): NamedObject | undefined {
  const runnable = runnableOf(sql);
  if (!('mode' in runnable) || runnable.mode !== 'nontx' || runnable.kind.resumption !== 'index') return undefined;
  return objectCreatedBy(runnable.sql, runnable.statement);
}

/** The relations that a file creates, if it does nothing else; else undefined. */
export function relationsOfFile({ sql }: Pick<Migration, 'sql'>): readonly RelationName[] | undefined {
  const runnable = runnableOf(sql);
  if (!('mode' in runnable)) return undefined;
  const statements = runnable.mode === 'tx' ? runnable.statements : [runnable.statement];
  const made = statements.map((statement) => objectCreatedBy(sql, statement));
  const relations = made.filter((one) => one !== undefined && isRelation(one));
  if (relations.length < statements.length || relations.length === 0) return undefined;
  return relations.flatMap((one) =>
    one === undefined ? [] : [{ schema: one.schema ?? one.table?.schema, name: one.name }],
  );
}

export function isRelation({ kind }: NamedObject): boolean {
  return kind === 'table' || kind === 'view' || kind === 'sequence' || kind === 'index';
}
