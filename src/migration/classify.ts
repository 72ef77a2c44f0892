import type { Statement } from './statements.ts';

/**
 * How a statement that PostgreSQL refuses inside a transaction (25001) is taken up when nobody knows whether it ended:
 * run `again` (the second time is the same, or harmless), taken for done once what it makes `exists` or what it drops
 * is `gone`, an `index` that may be left invalid, or left to a `person`.
 */
export type Resumption = 'again' | 'exists' | 'gone' | 'index' | 'person';

export interface AloneKind {
  /** As people say it: `CREATE INDEX CONCURRENTLY`. */
  readonly name: string;
  readonly resumption: Resumption;
  /** It waits for others without being in anybody's way, so no lock_timeout is to end it. */
  readonly patient: boolean;
}

const kinds: readonly (readonly [RegExp, AloneKind])[] = [
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

/** Of a statement that must stand alone outside a transaction: PGOPS §5.3, each tried on PostgreSQL 15 (25001). */
export function aloneKindOf(sql: string, statement: Statement): AloneKind | undefined {
  const flat = flatText(sql, statement);
  return kinds.find(([pattern]) => pattern.test(flat))?.[1];
}

/** Roles, databases and tablespaces belong to the whole server, so one lock for each database is not enough for them. */
export function isClusterWide(sql: string, statement: Statement): boolean {
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

function alone(name: string, resumption: Resumption, patient = false): AloneKind {
  return { name, resumption, patient };
}
