import type { ChangingEngine } from '../../host/docker/client.ts';
import { causeOfFaults, type FaultReport, reportFaults } from '../faults.ts';
import { type DrillNeeds, type DrillRequest, isNotAsked } from '../probes/dump.ts';
import { type Drill, drill } from '../probes/drill.ts';
import { differences } from '../sidecar-files.ts';
import { failed, impossible, type Observation, passed } from './files.ts';
import { type DatabaseFingerprint, holdsServerFiles } from '../types.ts';

/** What is known of a dump before it is restored. */
export interface Restored {
  /** The major version of the pg_dump that made it, if the image's is older; else undefined. */
  readonly newer: number | undefined;
  /** It has tables and no rows, and no other part of the backup has rows either. */
  readonly isStructureOnly: boolean;
}

export interface DrillLevels {
  /** Undefined if the drill ended earlier. */
  readonly restore: Observation;
  readonly structure: Observation | undefined;
}

/** What the restored copy is compared with. */
export interface Compared {
  /** The source at the dump's snapshot; undefined if it was not recorded. */
  readonly fingerprint: DatabaseFingerprint | undefined;
  /** Tables of the running source, the oldest first; undefined if it was not queried. */
  readonly sourceTables: readonly string[] | undefined;
}

/** A dump may name one role after the other, if psql stops at each. */
const mostRounds = 6;

/**
 * L4 and, if requested, L5: restores in a temporary container, reads the copy back and compares it. Roles and tablespaces that
 * the dump names and the backup lacks are created, and the dump is restored again.
 */
export async function drillLevel(
  engine: ChangingEngine,
  request: Omit<DrillRequest, 'needs'> & Restored,
  compared: Compared,
): Promise<DrillLevels> {
  let needs: DrillNeeds = { roles: [], tablespaces: [] };
  for (let round = 1; ; round += 1) {
    const answer = await drill(engine, { ...request, needs });
    if (isNotAsked(answer)) {
      const observation = impossible(answer.impossible, answer.says);
      return { restore: observation, structure: request.deep ? observation : undefined };
    }
    const report = reportFaults(answer.faults);
    const more = moreNeeds(needs, report);
    if (more !== undefined && round < mostRounds) {
      needs = more;
      continue;
    }
    return {
      restore: restoreSays({ ...request, needs }, answer, report, compared),
      structure: answer.structure === undefined ? undefined : structureSays(request.path, answer),
    };
  }
}

/** Undefined if the drill has created all that is missing, as far as it could. */
export function moreNeeds(needs: DrillNeeds, { roles, tablespaces }: FaultReport): DrillNeeds | undefined {
  const more = {
    roles: [...new Set([...needs.roles, ...roles])].slice(0, 1_000),
    tablespaces: [...new Set([...needs.tablespaces, ...tablespaces])].slice(0, 100),
  };
  const isMore = more.roles.length > needs.roles.length || more.tablespaces.length > needs.tablespaces.length;
  return isMore ? more : undefined;
}

/** Why a dump was not restored completely; undefined if it was. Only `failed` is a fault of the dump itself. */
export function faultsSay(path: string, report: FaultReport, newer: number | undefined): Observation | undefined {
  const { roles, tablespaces, image, lacking, programs, limit, stopped, real } = report;
  const left = [
    ...real,
    ...roles.map((name) => `role "${name}" does not exist`),
    ...tablespaces.map((name) => `tablespace "${name}" does not exist`),
  ];
  if (limit !== undefined) return impossible('no-room', `Not proven: in the drill of ${path}, ${limit}.`);
  if (programs.length > 0)
    return impossible('not-supported', `Not proven: the image has no ${programs.join(' and no ')} to unpack ${path}.`);
  if (image.length > 0)
    return impossible(
      'not-supported',
      `Not proven: ${path} needs ${image.slice(0, 5).join(', ')}, which the image lacks.`,
    );
  if (left.length > 0 && newer !== undefined) return needsNewer(path, newer, left);
  if (left.length > 0) return failed(causeOfFaults(left), `${path}: ${left.slice(0, 5).join(' | ')}`);
  if (lacking.length > 0)
    return impossible(
      'partial',
      `Not proven: ${path} is a part of a database (pg_dump with -t, -n or --data-only): it needs ${lacking.slice(0, 5).join(', ')}${lacking.length > 5 ? ', …' : ''}, which it does not contain.`,
    );
  return stopped
    ? impossible('not-supported', `Not proven: psql of this image stopped at the first error of ${path}.`)
    : undefined;
}

/** The dump can only be judged by the programs that made it. */
export function needsNewer(path: string, newer: number, messages: readonly string[]): Observation {
  const why = messages.length === 0 ? '' : ` With an older version: ${messages.slice(0, 3).join(' | ')}`;
  return impossible(
    'version',
    `Not proven: needs PostgreSQL ${newer}. ${path} was made by pg_dump ${newer}, and no image of that version is on this machine (docker pull postgres:${newer}).${why}`,
  );
}

function restoreSays(
  { path, kind, needs, newer, isStructureOnly }: DrillRequest & Restored,
  answer: Drill,
  report: FaultReport,
  { fingerprint, sourceTables }: Compared,
): Observation {
  const fault = faultsSay(path, report, newer);
  if (fault !== undefined) return fault;
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
  const what = `${path} restores: ${count(tables.length, 'table')}, ${rows} rows${without}${created(needs)}`;
  if (isStructureOnly)
    return impossible(
      'partial',
      `${what}. Not proven: it has the tables without their rows (pg_dump --schema-only), and nothing else in this backup has the rows.`,
    );
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

function created({ roles, tablespaces }: DrillNeeds): string {
  const named = [...roles.map((name) => `role ${name}`), ...tablespaces.map((name) => `tablespace ${name}`)];
  const more = named.length > 5 ? ', …' : '';
  return named.length === 0
    ? ''
    : `, after the drill created what the backup lacks (${named.slice(0, 5).join(', ')}${more})`;
}

/** For a dump by another program: the content of the source was not recorded, so the values of rows are not checked. */
export function unfingerprinted(
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
  const compared = `${what}, including ${common.length} of the instance's ${sourceTables.length} tables`;
  const last = sourceTables.findLastIndex((name) => tables.includes(name));
  const leftOut = sourceTables.slice(0, last).filter((name) => !tables.includes(name));
  if (leftOut.length === 0) return passed(`${compared}. ${none}`);
  return impossible(
    'partial',
    `${compared}. Not proven: it seems to be a part of a database (pg_dump with -t, -n or -T): it leaves out ${leftOut.slice(0, 5).join(', ')}${leftOut.length > 5 ? ', …' : ''}, which by their oids are older than ${sourceTables[last] ?? ''}.`,
  );
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
