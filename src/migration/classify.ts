import type { Migration } from './files.ts';
import { madeBy, type NamedObject } from './objects.ts';
import type { RelationName } from './schema-fingerprint.ts';
import { type Position, positionOf, split, type Statement, type Token } from './sql-tokens.ts';

/**
 * How a statement that PostgreSQL refuses inside a transaction (25001) is taken up when nobody knows whether it ended:
 * run `again` (the second time is the same, or harmless), taken for done once what it makes `exists` or what it drops
 * is `gone`, an `index` that may be left invalid, or left to a `person`.
 */
export type Resumption = 'again' | 'exists' | 'gone' | 'index' | 'person';

export interface NonTransactional {
  /** As people say it: `CREATE INDEX CONCURRENTLY`. */
  readonly name: string;
  readonly resumption: Resumption;
  /** It waits for others without being in anybody's way, so no lock_timeout is to end it. */
  readonly patient: boolean;
}

const nonTransactionalKinds: readonly (readonly [RegExp, NonTransactional])[] = [
  [/^CREATE (?:UNIQUE )?INDEX CONCURRENTLY\b/, alone('CREATE INDEX CONCURRENTLY', 'index', true)],
  [/^DROP INDEX CONCURRENTLY\b/, alone('DROP INDEX CONCURRENTLY', 'gone', true)],
  [/^REINDEX\b.*\bCONCURRENTLY\b/, alone('REINDEX CONCURRENTLY', 'again', true)],
  [/^REINDEX (?:\( .*\) )?(?:SCHEMA|DATABASE|SYSTEM)\b/, alone('REINDEX of a schema or database', 'again')],
  [/^VACUUM\b/, alone('VACUUM', 'again')],
  [/^CLUSTER(?: VERBOSE| \( .* \))?$/, alone('CLUSTER of all tables', 'again')],
  [/^CREATE DATABASE\b/, alone('CREATE DATABASE', 'exists')],
  [/^DROP DATABASE\b/, alone('DROP DATABASE', 'gone')],
  [/^CREATE TABLESPACE\b/, alone('CREATE TABLESPACE', 'exists')],
  [/^DROP TABLESPACE\b/, alone('DROP TABLESPACE', 'gone')],
  [/^ALTER DATABASE \S+ SET TABLESPACE\b/, alone('ALTER DATABASE … SET TABLESPACE', 'again')],
  [/^ALTER SYSTEM\b/, alone('ALTER SYSTEM', 'again')],
  [/^CREATE SUBSCRIPTION\b(?!.*\b(?:CREATE_SLOT|CONNECT) = (?:FALSE|OFF|0)\b)/, alone('CREATE SUBSCRIPTION', 'exists')],
  [/^DROP SUBSCRIPTION\b/, alone('DROP SUBSCRIPTION', 'gone')],
  [
    /^ALTER SUBSCRIPTION \S+ (?:REFRESH|SET PUBLICATION|ADD PUBLICATION|DROP PUBLICATION)\b/,
    alone('ALTER SUBSCRIPTION', 'again'),
  ],
  [
    /^ALTER TABLE\b.*\bDETACH PARTITION\b.*\bCONCURRENTLY\b/,
    alone('ALTER TABLE … DETACH PARTITION CONCURRENTLY', 'person', true),
  ],
];

/**
 * Of a statement that must stand alone outside a transaction: docs/engineering/migrations.md#outside-a-transaction,
 * each tried on PostgreSQL 15 (25001).
 */
function nonTransactionalKindOf(sql: string, statement: Statement): NonTransactional | undefined {
  const flat = flatText(sql, statement);
  return nonTransactionalKinds.find(([pattern]) => pattern.test(flat))?.[1];
}

/** Roles, databases and tablespaces belong to the whole server, so one lock for each database is not enough for them. */
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
 * The statement on one line, words in capitals, with one blank between any two tokens and a placeholder for whatever
 * stands in quotes: no keyword in it comes from a string, a comment or a name.
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

function alone(name: string, resumption: Resumption, patient = false): NonTransactional {
  return { name, resumption, patient };
}

/** Why a file is not run, and where in it. */
export interface Obstacle extends Position {
  readonly message: string;
  readonly hint: string;
}

/** `tx`: the whole file in one transaction. `nontx`: its only statement alone, outside one. */
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
 * How a file runs, decided from its text alone: in one transaction, or alone where PostgreSQL demands it. A file that
 * needs both, or that would end the runner's transaction, is refused with every place.
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
        obstacle(sql, first, 'This index has no name, so one that is left half built could not be told from others.', {
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
        obstacle(sql, statement, `${kind.name} cannot run inside a transaction, and this file holds more than it.`, {
          hint: 'Put it alone into a file of its own.',
        }),
      );
    const refused = refusedIn(sql, statement);
    if (refused !== undefined) obstacles.push(refused);
  }
  if (obstacles.length > 0) return { obstacles };
  return { mode: 'tx', sql: blanked(sql, own), statements, clusterWide };
}

function* lexicalObstacles(sql: string, tokens: readonly Token[]): Generator<Obstacle> {
  const zero = sql.indexOf('\0');
  if (zero !== -1)
    yield { ...positionOf(sql, zero), message: 'A character of code 0.', hint: 'PostgreSQL takes none: remove it.' };
  for (const { kind, start, unclosed } of tokens) {
    if (unclosed === true)
      yield {
        ...positionOf(sql, start),
        message: `This ${kind === 'comment' ? 'comment' : 'quote'} is never closed.`,
        hint: 'Close it.',
      };
    if (kind === 'backslash')
      yield {
        ...positionOf(sql, start),
        message: 'A backslash outside quotes is a command of psql, and this is not psql.',
        hint: 'Write SQL: \\i by a file of its own, \\copy by INSERT, \\set by the value itself.',
      };
  }
}

/** A file that is wrapped in BEGIN and COMMIT as a whole means just what the runner does anyway: these two statements. */
function ownTransaction(sql: string, statements: readonly Statement[]): readonly Statement[] {
  const [first] = statements;
  const last = statements.at(-1);
  if (first === undefined || last === undefined || statements.length < 2) return [];
  const begins = /^(?:BEGIN(?: WORK| TRANSACTION)?|START TRANSACTION)$/.test(flatText(sql, first));
  const commits = /^(?:COMMIT|END)(?: WORK| TRANSACTION)?$/.test(flatText(sql, last));
  return begins && commits ? [first, last] : [];
}

/** Blanks in their place, so that whatever the server says of a position still holds. */
function blanked(sql: string, statements: readonly Statement[]): string {
  let result = sql;
  for (const { start, end } of statements.flatMap(({ tokens }) => tokens))
    result = result.slice(0, start) + ' '.repeat(end - start) + result.slice(end);
  return result;
}

function refusedIn(sql: string, statement: Statement): Obstacle | undefined {
  const flat = flatText(sql, statement);
  if (
    /^(?:BEGIN|START TRANSACTION|COMMIT|END|ABORT|PREPARE TRANSACTION)\b|^ROLLBACK(?! (?:WORK |TRANSACTION )?TO\b)/.test(
      flat,
    )
  )
    return obstacle(sql, statement, 'The transaction is the runner’s: each file is applied as a whole or not at all.', {
      hint: 'Leave it out. BEGIN as the very first and COMMIT as the very last statement are passed over.',
    });
  if (/^COPY\b.*\bFROM STDIN\b/.test(flat))
    return obstacle(sql, statement, 'The lines of COPY … FROM STDIN are read by psql, and this is not psql.', {
      hint: 'Write INSERT.',
    });
  if (/^DISCARD ALL\b/.test(flat) || /\bPG_ADVISORY_UNLOCK_ALL\b/.test(flat))
    return obstacle(sql, statement, 'This would give up the lock under which migrations run.', {
      hint: 'Leave it out.',
    });
  return undefined;
}

function isUnnamed(sql: string, statement: Statement, { resumption }: NonTransactional): boolean {
  return resumption === 'index' && madeBy(sql, statement) === undefined;
}

function obstacle(sql: string, { tokens }: Statement, message: string, { hint }: { readonly hint: string }): Obstacle {
  return { ...positionOf(sql, tokens[0]?.start ?? 0), message, hint };
}

/** The index that a file builds concurrently; undefined for every other file. */
export function indexOfFile({ sql }: Pick<Migration, 'sql'>): NamedObject | undefined {
  const runnable = runnableOf(sql);
  if (!('mode' in runnable) || runnable.mode !== 'nontx' || runnable.kind.resumption !== 'index') return undefined;
  return madeBy(runnable.sql, runnable.statement);
}

/** The relations that a file makes, if making relations is all that it does; else undefined. */
export function relationsOfFile({ sql }: Pick<Migration, 'sql'>): readonly RelationName[] | undefined {
  const runnable = runnableOf(sql);
  if (!('mode' in runnable)) return undefined;
  const statements = runnable.mode === 'tx' ? runnable.statements : [runnable.statement];
  const made = statements.map((statement) => madeBy(sql, statement));
  const relations = made.filter((one) => one !== undefined && isRelation(one));
  if (relations.length < statements.length || relations.length === 0) return undefined;
  return relations.flatMap((one) =>
    one === undefined ? [] : [{ schema: one.schema ?? one.table?.schema, name: one.name }],
  );
}

export function isRelation({ kind }: NamedObject): boolean {
  return kind === 'table' || kind === 'view' || kind === 'sequence' || kind === 'index';
}
