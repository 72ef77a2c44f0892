import type { Instance } from '../../../host/instance.ts';
import { indexOfFile, isRelation, madeBy, type Migration, runnableOf } from '../../../migration/index.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { Stood, Trouble } from './diagnose.ts';
import { speaksOf } from './log-patterns.ts';
import { type Look, type Looks, originOf, rowsOf } from './observe.ts';
import { relationsThere } from './queries.ts';
import { earlierPending } from './refusals.ts';

/** Files that are not applied are no trouble in themselves: objects of theirs that are there are, and races they lost. */
export async function pendingTroubles(
  found: Look,
  files: readonly Stood[],
  isShared: Looks['isShared'],
  instance: Instance,
  host: ReadonlyHost,
): Promise<readonly Trouble[]> {
  const waiting = files.filter(({ stood }) => stood.standing === 'pending').map(({ migration }) => migration);
  if (waiting.length === 0) return [];
  const there = await relationsOf(waiting, files, found, instance, host);
  const errors = await found.errors();
  const troubles: Trouble[] = [];
  for (const file of waiting) {
    const objects = there.filter(({ migration }) => migration === file);
    if (objects.length > 0) {
      troubles.push({
        kind: 'unrecorded-migration',
        subject: file.version,
        summary: `${objects.map(({ name }) => name).join(', ')} of ${file.name} ${objects.length === 1 ? 'is' : 'are'} in ${found.database}, and the ledger does not list it.`,
        evidence: objects.map(({ name, seen }) => ({ type: 'query', sql: `columns of ${name}`, result: seen })),
        repair: { type: 'compare', file },
      });
      continue;
    }
    // One that waits for files before it has lost nothing yet; of an error that may be another database's nothing is said.
    if (isShared(file.sha256) || earlierPending(file, files).length > 0) continue;
    const lost = errors.filter((error) => speaksOf(error, textsOf(file)));
    if (lost.length === 0 || found.invalid.some((index) => originOf(index, found) === file)) continue;
    troubles.push({
      kind: 'lost-migration',
      subject: file.version,
      summary: `${file.name} lost a race in ${found.database}, and nobody has applied it since.`,
      evidence: lost.slice(-5).map(({ at, text }) => ({ type: 'log', at, text })),
      repair: { type: 'repair', drop: undefined, apply: file },
    });
  }
  return troubles;
}

interface ThereObject {
  readonly migration: Migration;
  readonly name: string;
  readonly seen: string;
}

/** Relations that a pending file makes, that no applied file makes too, and that are there and sound. */
async function relationsOf(
  waiting: readonly Migration[],
  files: readonly Stood[],
  { database }: Look,
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
    const made = madeBy(sql, statement);
    if (made === undefined || !isRelation(made)) return [];
    const schema = made.schema ?? made.table?.schema;
    return [{ schema, name: made.name, key: `${schema ?? ''}.${made.name}` }];
  });
}

export function textsOf(migration: Migration): readonly string[] {
  if (indexOfFile(migration) !== undefined) return [migration.sql];
  const runnable = runnableOf(migration.sql);
  return 'mode' in runnable && runnable.mode === 'tx' ? runnable.statements.map(({ text }) => text) : [migration.sql];
}
