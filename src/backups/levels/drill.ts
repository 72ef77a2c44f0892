import type { ChangingEngine } from '../../host/docker/client.ts';
import { type DrillRequest, isNotAsked } from '../probes/dump.ts';
import { type Drill, drill } from '../probes/drill.ts';
import { differences } from '../sidecar-files.ts';
import { failed, impossible, type Observation, passed } from './files.ts';
import { type BackupCause, type DatabaseFingerprint, holdsServerFiles } from '../types.ts';

export interface DrillLevels {
  /** Undefined if the drill ended earlier. */
  readonly restore: Observation;
  readonly structure: Observation | undefined;
}

/** What the restored copy is compared with. */
export interface Compared {
  /** The source at the dump's snapshot; undefined if it was not recorded. */
  readonly fingerprint: DatabaseFingerprint | undefined;
  /** Tables of the running source; undefined if it was not queried. */
  readonly sourceTables: readonly string[] | undefined;
}

/** L4 and, if requested, L5: restores in a temporary container, reads the copy back and compares it. */
export async function drillLevel(
  engine: ChangingEngine,
  request: DrillRequest,
  compared: Compared,
): Promise<DrillLevels> {
  const answer = await drill(engine, request);
  if (isNotAsked(answer)) {
    const observation = impossible(answer.impossible, answer.says);
    return { restore: observation, structure: request.deep ? observation : undefined };
  }
  return {
    restore: restoreSays(request, answer, compared),
    structure: answer.structure === undefined ? undefined : structureSays(request.path, answer),
  };
}

function restoreSays(
  { path, kind }: DrillRequest,
  answer: Drill,
  { fingerprint, sourceTables }: Compared,
): Observation {
  const faults = answer.faults.filter((line) => !/tablespace/.test(line) || !/does not exist|invalid value/.test(line));
  if (faults.length > 0) return failed(causeOfFaults(faults), `${path}: ${faults.slice(0, 5).join(' | ')}`);
  // Classes "internal error" and "system error" only: a function that is not in the search_path is not damage.
  const damage = answer.unread.filter((line) => /ERROR: {1,2}(?:XX|58)\w{3}:|FATAL|PANIC|server closed/.test(line));
  if (damage.length > 0)
    return failed('structure-damaged', `${path}: the restored copy cannot be read: ${damage.slice(0, 3).join(' | ')}`);
  const unsummed = answer.databases.flatMap(({ tables }) =>
    Object.keys(tables).filter((name) => tables[name]?.sum === ''),
  );
  const tables = answer.databases.flatMap((database) => Object.keys(database.tables));
  const rows = answer.databases
    .flatMap((database) => Object.values(database.tables))
    .reduce((total, table) => total + BigInt(/^\d+$/.test(table.rows) ? table.rows : 0), 0n);
  const without = unsummed.length === 0 ? '' : ` (${unsummed.join(', ')} could not be read)`;
  const what = `${path} restores: ${count(tables.length, 'table')}, ${rows} rows${without}`;
  if (holdsServerFiles(kind))
    return passed(`${what}, all read. There is nothing from the same point in time to compare the rows with.`);
  if (fingerprint === undefined) return unfingerprinted(path, what, tables, sourceTables);
  const restored = answer.databases.find(({ database }) => database === fingerprint.database);
  if (restored === undefined)
    return failed('other-database', `${path} does not restore the database ${fingerprint.database}.`);
  const found = differences(fingerprint, restored);
  if (found.length > 0)
    return failed('rows-differ', `${path}: ${found.slice(0, 5).join('; ')}${found.length > 5 ? '; …' : ''}`);
  return passed(
    `${what}. Tables, sequences, indexes, constraints and functions equal the source at the dump's snapshot.`,
  );
}

/** For a dump by another program: the content of the source was not recorded, so the values of rows are not checked. */
function unfingerprinted(
  path: string,
  what: string,
  tables: readonly string[],
  sourceTables: readonly string[] | undefined,
): Observation {
  const none = 'Without fingerprints of the source, the rows cannot be compared.';
  if (sourceTables === undefined) return passed(`${what}. ${none}`);
  if (tables.length === 0 && sourceTables.length > 0)
    return impossible(
      'not-supported',
      `${path} restores a database without tables, but the instance has ${sourceTables.length}: it may be of another database or older than the tables.`,
    );
  const common = tables.filter((name) => sourceTables.includes(name));
  if (common.length === 0 && sourceTables.length > 0)
    return failed(
      'other-database',
      `${path} restores other tables (${tables.slice(0, 3).join(', ')}) and none of the instance's.`,
    );
  return passed(`${what}, including ${common.length} of the instance's ${sourceTables.length} tables. ${none}`);
}

function causeOfFaults(faults: readonly string[]): BackupCause {
  if (faults.some((line) => /role "[^"]*" does not exist/.test(line))) return 'missing-roles';
  if (
    faults.some((line) =>
      /could not locate (?:a valid|required) checkpoint record|WAL ends before|could not find redo location|requested timeline/.test(
        line,
      ),
    )
  )
    return 'missing-wal';
  if (faults.some((line) => /invalid page in block|page verification failed/.test(line))) return 'structure-damaged';
  if (faults.some((line) => /unexpected end of file|could not read from input file/.test(line))) return 'truncated';
  return 'does-not-restore';
}

/** L5. Finding no damage does not prove that there is none; a check that could not run is not a pass. */
function structureSays(path: string, { structure, databases }: Drill): Observation {
  if (structure === undefined) return impossible('not-supported', `${path}: the structure was not checked.`);
  const { amcheck, amcheckSays, dump, dumpSays, checksums, checksumsSays } = structure;
  if (amcheck === 2) return failed('structure-damaged', `${path}: pg_amcheck: ${amcheckSays.slice(0, 4).join(' | ')}`);
  if (dump !== 0)
    return failed('structure-damaged', `${path}: pg_dump of the restored copy: ${dumpSays.slice(0, 3).join(' | ')}`);
  const bad = checksumsSays.find(
    (line) => /^Bad checksums: +[1-9]/.test(line) || /checksum verification failed/.test(line),
  );
  if (bad !== undefined) return failed('structure-damaged', `${path}: pg_checksums: ${bad}`);
  if (amcheck !== 0)
    return impossible('not-supported', `${path}: pg_amcheck could not check: ${amcheckSays.slice(0, 2).join(' | ')}`);
  const sums = checksums === 0 ? 'pg_checksums' : 'no pg_checksums, since the cluster has no checksums';
  const invalid = databases.flatMap((database) => database.invalid);
  const noted = invalid.length === 0 ? '' : ` Invalid, as in the source: ${invalid.join(', ')}.`;
  return passed(`${path}: pg_amcheck and pg_dump find no damage in the restored copy (${sums}).${noted}`);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
