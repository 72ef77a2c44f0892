import { compareBy } from '../../../util/compare.ts';
import type { Instance } from '../../../host/instance.ts';
import {
  indexOfFile,
  isLostRaceState,
  isRelation,
  type LedgerRow,
  objectCreatedBy,
  type Migration,
  runnableOf,
  type MigrationStatus,
  migrationStatusOf,
} from '../../../migration/index.ts';
import type { Evidence, ReadonlyHost, Refusal } from '../../contract.ts';
import { type Leftover, leftoversIn } from './leftovers.ts';
import { speaksOf } from './log-patterns.ts';
import { type InvalidIndex, type Observation, type Observations, originOf, relationsThere, rowsOf } from './observe.ts';
import {
  earlierPending,
  refuseConflict,
  refuseFailed,
  refuseForeignIndex,
  refuseLost,
  refuseUnfinished,
} from './refusals.ts';
import type { ConditionKind } from './types.ts';

/** Files that are not applied are only a problem if some of their objects exist, or if they lost a race. */
async function pendingConditions(
  found: Observation,
  files: readonly MigrationState[],
  isShared: Observations['isShared'],
  instance: Instance,
  host: ReadonlyHost,
): Promise<readonly Condition[]> {
  const waiting = files.filter(({ stood }) => stood.standing === 'pending').map(({ migration }) => migration);
  if (waiting.length === 0) return [];
  const there = await relationsOf(waiting, files, found, instance, host);
  const errors = await found.errors();
  const conditions: Condition[] = [];
  for (const file of waiting) {
    const objects = there.filter(({ migration }) => migration === file);
    if (objects.length > 0) {
      conditions.push({
        kind: 'unrecorded-migration',
        subject: file.version,
        summary: `${objects.map(({ name }) => name).join(', ')} of ${file.name} ${objects.length === 1 ? 'is' : 'are'} in ${found.database}, and the ledger does not list it.`,
        evidence: objects.map(({ name, seen }) => ({ type: 'query', sql: `columns of ${name}`, result: seen })),
        repair: { type: 'compare', file },
      });
      continue;
    }
    // A file that waits for earlier files has not lost yet; an error that may belong to another database does not count.
    if (isShared(file.sha256) || earlierPending(file, files).length > 0) continue;
    const lost = errors.filter((error) => speaksOf(error, textsOf(file)));
    if (lost.length === 0 || found.invalid.some((index) => originOf(index, found) === file)) continue;
    conditions.push({
      kind: 'lost-migration',
      subject: file.version,
      summary: `${file.name} lost a race in ${found.database} and has not been applied since.`,
      evidence: lost.slice(-5).map(({ at, text }) => ({ type: 'log', at, text })),
      repair: refuseLost(file),
    });
  }
  return conditions;
}

interface ThereObject {
  readonly migration: Migration;
  readonly name: string;
  readonly seen: string;
}

/** Existing, valid relations that a pending file creates and no applied file creates. */
async function relationsOf(
  waiting: readonly Migration[],
  files: readonly MigrationState[],
  { database }: Observation,
  instance: Instance,
  host: ReadonlyHost,
): Promise<readonly ThereObject[]> {
  const others = new Set(
    files
      .filter(({ migration }) => !waiting.includes(migration))
      .flatMap(({ migration }) => namesOf(migration).map(({ key }) => key)),
  );
  const wanted = waiting
    .flatMap((migration) => namesOf(migration).map((object) => ({ ...object, migration })))
    .filter(({ key }) => !others.has(key))
    .slice(0, 2_000);
  if (wanted.length === 0) return [];
  const asked = JSON.stringify(wanted.map(({ schema, name }) => ({ schema: schema ?? null, name })));
  const rows = await rowsOf(instance, database, host, relationsThere, [asked]);
  return rows.flatMap((row) => {
    const object = wanted[Number(row['place'])];
    if (object === undefined || row['there'] !== 't' || row['sound'] === 'f') return [];
    return [{ migration: object.migration, name: object.name, seen: row['columns'] ?? '' }];
  });
}

function namesOf({ sql }: Migration) {
  const runnable = runnableOf(sql);
  if (!('mode' in runnable)) return [];
  const statements = runnable.mode === 'tx' ? runnable.statements : [runnable.statement];
  return statements.flatMap((statement) => {
    const made = objectCreatedBy(sql, statement);
    if (made === undefined || !isRelation(made)) return [];
    const schema = made.schema ?? made.table?.schema;
    return [{ schema, name: made.name, key: `${schema ?? ''}.${made.name}` }];
  });
}

function textsOf(migration: Migration): readonly string[] {
  if (indexOfFile(migration) !== undefined) return [migration.sql];
  const runnable = runnableOf(migration.sql);
  return 'mode' in runnable && runnable.mode === 'tx' ? runnable.statements.map(({ text }) => text) : [migration.sql];
}

/** Safe repairs of what is certainly ours: drop an index, apply a file, or both in this order. */
export interface Repair {
  readonly type: 'repair';
  readonly drop: InvalidIndex | undefined;
  readonly apply: Migration | undefined;
}

/** The plan must first compare the existing objects with what the file creates. */
export interface Compare {
  readonly type: 'compare';
  readonly file: Migration;
}

export interface Condition {
  readonly kind: ConditionKind;
  readonly subject: string;
  /** One sentence. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  readonly repair: Repair | Compare | Refusal;
}

export interface MigrationState {
  readonly migration: Migration;
  readonly stood: MigrationStatus;
}

/**
 * Present problems of a database. Messages of a past race are only evidence for a problem that still exists: the log keeps
 * them long after everything is fixed.
 */
export async function diagnose(
  found: Observation,
  { isShared }: Observations,
  instance: Instance,
  host: ReadonlyHost,
): Promise<readonly Condition[]> {
  const files = (found.folder?.migrations ?? []).map((migration) => ({
    migration,
    stood: migrationStatusOf(migration, found.ledger),
  }));
  const indexes = await Promise.all(found.invalid.map(async (index) => invalidIndex(index, found, files)));
  return [
    ...indexes.filter((condition) => condition !== undefined),
    ...files.flatMap((file) => conflict(file)),
    ...(await unfinished(found, files)),
    ...(await failed(found, files)),
    ...(await pendingConditions(found, files, isShared, instance, host)),
    ...(await leftoversIn(found.database, instance, host)).map(ofOtherTool),
  ];
}

function ofOtherTool({ kind, subject, summary, seen, remedy }: Leftover): Condition {
  return { kind, subject, summary, evidence: [{ type: 'query', sql: subject, result: seen }], repair: remedy };
}

async function invalidIndex(
  index: InvalidIndex,
  found: Observation,
  files: readonly MigrationState[],
): Promise<Condition | undefined> {
  const origin = originOf(index, found);
  const stood = files.find(({ migration }) => migration === origin)?.stood;
  // The ledger row is more precise, and its repair begins with the index.
  if (stood?.standing === 'unfinished') return undefined;
  const evidence: readonly Evidence[] = [
    { type: 'query', sql: `pg_index of ${index.qualified}`, result: `${index.state}: ${index.definition}` },
    ...(await logged(found, origin === undefined ? [index.qualified, index.name] : [origin.sql])),
  ];
  const made = origin === undefined ? 'no migration file builds it' : `${origin.name} builds it`;
  return {
    kind: 'invalid-index',
    subject: index.qualified,
    summary: `The index ${index.qualified} of ${found.database} is invalid and is not being built; ${made}.`,
    evidence,
    repair:
      origin === undefined || stood === undefined || stood.standing === 'conflict'
        ? refuseForeignIndex(index, stood)
        : { type: 'repair', drop: index, apply: mayApply(origin, stood, found, files) ? origin : undefined },
  };
}

/** False if earlier files are pending, or if it failed for its own reason. */
function mayApply(
  origin: Migration,
  stood: MigrationStatus,
  found: Observation,
  files: readonly MigrationState[],
): boolean {
  if (stood.standing === 'applied' || stood.standing === 'adopted') return true;
  const error = found.ledger.rows.get(origin.version)?.error ?? '';
  const isAgain = stood.standing === 'pending' || isLostRaceState(error);
  return isAgain && earlierPending(origin, files).length === 0;
}

function conflict({ migration, stood }: MigrationState): readonly Condition[] {
  if (stood.standing !== 'conflict') return [];
  return [
    {
      kind: 'ledger-conflict',
      subject: migration.version,
      summary: stood.message,
      evidence: [{ type: 'file', path: migration.name, text: `SHA-256 ${migration.sha256}` }],
      repair: refuseConflict(stood),
    },
  ];
}

async function unfinished(found: Observation, files: readonly MigrationState[]): Promise<readonly Condition[]> {
  const conditions: Condition[] = [];
  for (const row of rowsIn(found, 'started')) {
    const file = files.find(({ migration }) => migration.version === row.version);
    // A file with changed text is reported as a conflict.
    if (file?.stood.standing === 'conflict' || file?.stood.standing === 'adopted') continue;
    const runnable = file === undefined ? undefined : runnableOf(file.migration.sql);
    const isOurs = runnable !== undefined && 'mode' in runnable && runnable.mode === 'nontx';
    const drop = found.invalid.find((index) => originOf(index, found) === file?.migration);
    conditions.push({
      kind: 'unfinished-migration',
      subject: row.version,
      summary: `${row.version} was started in ${found.database} at ${row.startedAt} by ${row.runner}, which has ended without recording a result.`,
      evidence: [rowEvidence(row), ...(await logged(found, file === undefined ? [] : [file.migration.sql]))],
      repair:
        file === undefined || !isOurs || runnable.kind.resumption === 'person'
          ? refuseUnfinished(row, file?.migration)
          : { type: 'repair', drop, apply: file.migration },
    });
  }
  return conditions;
}

async function failed(found: Observation, files: readonly MigrationState[]): Promise<readonly Condition[]> {
  const conditions: Condition[] = [];
  for (const row of rowsIn(found, 'failed')) {
    if (found.ledger.versions.has(row.version)) continue;
    const file = files.find(({ migration }) => migration.version === row.version)?.migration;
    const isSame = file?.sha256 === row.sha256;
    const earlier = file === undefined ? [] : earlierPending(file, files);
    conditions.push({
      kind: 'failed-migration',
      subject: row.version,
      summary: `${row.version} failed in ${found.database}: ${row.error ?? 'no error was recorded'}.`,
      evidence: [rowEvidence(row), ...(await logged(found, file === undefined ? [] : textsOf(file)))],
      repair:
        file !== undefined && isSame && isLostRaceState(row.error ?? '') && earlier.length === 0
          ? { type: 'repair', drop: undefined, apply: file }
          : refuseFailed(row, file, isSame, earlier),
    });
  }
  return conditions;
}

function rowsIn({ ledger }: Observation, state: LedgerRow['state']): readonly LedgerRow[] {
  return [...ledger.rows.values()].filter((row) => row.state === state).sort(compareBy(({ version }) => version));
}

function rowEvidence(row: LedgerRow): Evidence {
  const { version, state, startedAt, runner, error, mode } = row;
  const words = [version, mode, state, startedAt, runner, ...(error === null ? [] : [error])];
  return { type: 'query', sql: 'problems_migrations', result: words.join(' | ') };
}

/** Log entries about these statements; without any, the last races in the log. */
async function logged(found: Observation, texts: readonly string[]): Promise<readonly Evidence[]> {
  const errors = await found.errors();
  const own = errors.filter((error) => speaksOf(error, texts));
  return (own.length > 0 ? own : errors).slice(-5).map(({ at, text }) => ({ type: 'log', at, text }));
}
