import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChangingEngine } from '../../host/docker/client.ts';
import { helperTasks } from '../../host/docker/helper-tasks.ts';
import type { HelperResult } from '../../host/docker/types.ts';
import { type HelperSession, withSession } from '../../host/helper-session.ts';
import { imageUser } from '../../host/probes/files.ts';
import { isList, parseJson } from '../../util/json.ts';
import { type Fault, isRestored, reportFaults } from '../faults.ts';
import {
  fingerprintFrom,
  fingerprintLines,
  fingerprintReaders,
  pinned,
  type ReadFingerprint,
  sequenceLines,
} from '../sidecar-files.ts';
import { hasTablespaces, tarOfFolder } from '../tar-stream.ts';
import { holdsServerFiles } from '../types.ts';
import { contentOf, drillSuperuser, restoreDump } from './drill-restore.ts';
import * as server from './drill-server.ts';
import type { DrillRequest, NotAsked } from './dump.ts';

export interface Drill {
  /** Errors of the restoring program; empty if there are none. */
  readonly faults: readonly Fault[];
  readonly databases: readonly ReadFingerprint[];
  /** Errors while reading the restored copy. */
  readonly unread: readonly string[];
  readonly structure:
    | {
        /** 0 clean, 2 corrupt, 1 could not check (docs/engineering/backups.md#exit-codes). */
        readonly amcheck: number;
        readonly amcheckSays: readonly string[];
        readonly dump: number;
        readonly dumpSays: readonly string[];
        readonly checksums: number;
        readonly checksumsSays: readonly string[];
      }
    | undefined;
}

/**
 * The server has 64 MB of shared_buffers and the programs stream, so this is plenty for a dump; a statement in a dump that
 * wants more does not get it from the host.
 */
const { memoryBytes } = helperTasks.drill;

/** More than any backup of that size has needed. */
function allowedKiB(needKiB: number): number {
  return 2 ** 20 + 4 * needKiB;
}

/** Not 0, and neither the image's postgres nor the owner of anything in it. */
const strangers = ['65534:65534', '65533:65533'] as const;

/**
 * Restores one part in a temporary container on a temporary volume, and reads all of it back. The container has no process
 * of root, no capability, no network and no mount but that volume: it gets the backup on standard input.
 */
export async function drill(engine: ChangingEngine, request: DrillRequest): Promise<Drill | NotAsked> {
  if (!engine.local)
    return { impossible: 'remote-engine', says: 'The engine runs on another machine than the one with the backup.' };
  const { uid, gid } = await imageUser(engine, request.image, 'postgres');
  if (uid === 0 || gid === 0)
    return { impossible: 'not-supported', says: 'The user postgres of the image is root, and no drill runs as root.' };
  const client =
    strangers.find((stranger) => stranger !== `${uid}:${gid}` && !stranger.startsWith(`${uid}:`)) ?? strangers[0];
  const seconds = Math.max(1, Math.ceil(request.timeoutMs / 1000));
  const allowed = Math.ceil(allowedKiB(request.needKiB));
  const answer = await withSession(
    engine,
    {
      task: 'drill',
      image: request.image,
      user: client,
      scratch: server.scratchFolder,
      seconds,
      watch: server.watchDisk(allowed),
    },
    async (session: HelperSession) => {
      const variables = { ROLE: request.role, DATABASE: request.database, SUPER: drillSuperuser };
      const programs = server.drillPrograms(session, { server: `${uid}:${gid}`, client }, variables);
      const found = await runDrill(programs, request);
      if (!('faults' in found) || (found.faults.length === 0 && found.unread.length === 0)) return found;
      const killed = await programs.asClient(server.outOfMemory);
      return Number(killed.stdout) > 0 ? outOfMemory : found;
    },
  );
  if (!('ended' in answer)) return answer;
  if (answer.ended === 'time') return { impossible: 'time-out', says: `did not finish within ${seconds} s` };
  return {
    impossible: 'no-room',
    says: `The restored copy took more than ${Math.ceil(allowed / 1024)} MiB of disk (four times the estimate, and 1 GiB), or the disk became full. The drill was stopped.`,
  };
}

const outOfMemory: NotAsked = {
  impossible: 'no-room',
  says: `The restored copy needed more than ${memoryBytes / 2 ** 30} GiB of memory, which is all that a drill gets.`,
};

async function runDrill(programs: server.DrillPrograms, request: DrillRequest): Promise<Drill | NotAsked> {
  const made = await programs.asServer(server.makeServerFolder);
  const room = Number(made.stdout.trim());
  if (made.exitCode !== 0 || !(room > 0))
    return { impossible: 'not-supported', says: `the drill could not start: ${made.stderr.trim().slice(0, 500)}` };
  if (room <= request.needKiB)
    return {
      impossible: 'no-room',
      says: `A copy needs ${Math.ceil(request.needKiB)} KiB, but only ${room} KiB are free.`,
    };
  const isFiles = holdsServerFiles(request.kind);
  const failure = isFiles ? await unpack(programs, request) : undefined;
  if (failure !== undefined) return failure;
  const started = (await programs.asServer(isFiles ? server.startOnFiles : server.startEmpty)).stdout.split('\n');
  const unsupported = valuesOf(started, 'unsupported');
  if (unsupported.length > 0) return { impossible: 'not-supported', says: unsupported.join('; ') };
  if (!started.includes('serving'))
    return failedDrill([...valuesOf(started, 'fault'), 'the server did not start'].slice(0, 25));
  const superuser = isFiles ? await superuserOf(programs, request.role) : drillSuperuser;
  if (superuser === undefined)
    return { impossible: 'not-supported', says: `neither ${request.role} nor postgres is a role of it` };
  const faults = isFiles ? [] : await restoreDump(programs, request);
  return inspect(programs, request, superuser, faults);
}

function failedDrill(says: readonly string[]): Drill {
  return { faults: says.map(asFault), databases: [], unread: [], structure: undefined };
}

function asFault(message: string): Fault {
  return { message, statement: '' };
}

/** What is wrong, or undefined. */
async function unpack(
  programs: server.DrillPrograms,
  { folder, path, kind }: DrillRequest,
): Promise<Drill | NotAsked | undefined> {
  const part = join(folder, path);
  if (kind !== 'base-backup-tar') {
    if (await hasTablespaces(part))
      return { impossible: 'not-supported', says: 'the backup has tablespaces outside the data directory' };
    const { exitCode, stderr } = await programs.asServer(server.unpackFiles, tarOfFolder(part));
    return exitCode === 0 ? undefined : failedDrill([stderr.trim().slice(0, 400) || `tar ended with ${exitCode}`]);
  }
  const names = await readdir(part);
  for (const [name, plain, packed] of [
    ['base', server.unpackFiles, server.unpackFilesGzip],
    ['pg_wal', server.unpackWal, server.unpackWalGzip],
  ] as const) {
    const file = [`${name}.tar.gz`, `${name}.tar`].find((one) => names.includes(one));
    if (file === undefined) continue;
    if (name === 'pg_wal') await programs.asServer(server.makeWalFolder);
    const source = contentOf(join(part, file));
    const { exitCode, stderr } = await programs.asServer(file.endsWith('.gz') ? packed : plain, source.parts());
    const fault =
      source.failure ?? (exitCode === 0 && stderr === '' ? undefined : stderr.trim() || `tar ended with ${exitCode}`);
    if (fault !== undefined) return failedDrill([`${file}: ${fault.slice(0, 400)}`]);
  }
  return undefined;
}

async function superuserOf(programs: server.DrillPrograms, role: string): Promise<string | undefined> {
  for (const one of [role, 'postgres']) {
    const asked = await programs.asClient(
      `exec psql -X -q -At -U ${one === role ? '"$ROLE"' : 'postgres'} -c 'select 1'`,
      { database: 'template1' },
    );
    if (asked.exitCode === 0) return one;
  }
  return undefined;
}

/** Reads everything back over a connection of ours. */
async function inspect(
  programs: server.DrillPrograms,
  request: DrillRequest,
  superuser: string,
  faults: readonly Fault[],
): Promise<Drill | NotAsked> {
  const as = superuser === request.role ? '-U "$ROLE"' : `-U ${superuser}`;
  const names = await databasesOf(programs, request, as);
  const databases: ReadFingerprint[] = [];
  const unread: string[] = [];
  for (const name of names.databases) {
    const read = await programs.asClient(`exec psql -X -q -At -v ON_ERROR_STOP=1 -v VERBOSITY=verbose ${as}`, {
      database: name,
      stdin: [pinned, fingerprintReaders, sequenceLines, fingerprintLines].join('\n'),
    });
    if (read.truncated) return { impossible: 'not-supported', says: 'It contains more objects than can be compared.' };
    unread.push(...messages(read.stderr));
    // 3: a statement failed, which the messages say.
    if (![0, 3].includes(read.exitCode)) unread.push(`psql ended with ${read.exitCode}: server closed the connection`);
    databases.push(fingerprintFrom(read.stdout.split('\n'), name, null));
  }
  const found = { faults: [...faults, ...names.faults.map(asFault)], databases, unread };
  return {
    ...found,
    structure:
      request.deep && isRestored(reportFaults(found.faults))
        ? await structureOf(programs, as, names.databases)
        : undefined,
  };
}

/** All of the server, unless the dump was restored into one that the drill has made. */
async function databasesOf(
  programs: server.DrillPrograms,
  { kind, creates, database }: DrillRequest,
  as: string,
): Promise<{ readonly databases: readonly string[]; readonly faults: readonly string[] }> {
  const isFiles = holdsServerFiles(kind);
  if ((kind === 'plain' || kind === 'plain-gzip') && !creates) return { databases: [database], faults: [] };
  const which = isFiles ? "datname <> 'template0'" : 'not datistemplate';
  const asked = await programs.asClient(
    `exec psql -X -q -At -v ON_ERROR_STOP=1 ${as} -c "select coalesce(json_agg(datname order by datname), '[]') from pg_database where datallowconn and ${which}"`,
    { database: isFiles ? 'template1' : 'postgres' },
  );
  const listed = parseJson(asked.stdout);
  if (asked.exitCode !== 0 || !isList(listed))
    return { databases: [], faults: [`error: its databases cannot be listed: ${asked.stderr.slice(0, 300)}`] };
  return { databases: listed.filter((name) => typeof name === 'string'), faults: [] };
}

async function structureOf(
  programs: server.DrillPrograms,
  as: string,
  databases: readonly string[],
): Promise<Drill['structure']> {
  const amcheck = await programs.asClient(
    `exec pg_amcheck ${as} --all --install-missing --heapallindexed --parent-check --rootdescend 2>&1`,
    { database: 'postgres' },
  );
  // Each by itself: pg_dumpall refuses names with line feeds.
  const dumps: HelperResult[] = [];
  for (const database of databases)
    dumps.push(await programs.asClient(`exec pg_dump ${as} 2>&1 >/dev/null`, { database }));
  const bad = dumps.find(({ exitCode }) => exitCode !== 0);
  const sums = await programs.asServer(server.checkSums);
  return {
    amcheck: amcheck.exitCode,
    amcheckSays: messages(amcheck.stdout),
    dump: bad?.exitCode ?? 0,
    dumpSays: messages(bad?.stdout ?? ''),
    checksums: sums.exitCode,
    checksumsSays: messages(sums.stdout),
  };
}

function messages(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(0, 25)
    .map((line) => line.slice(0, 400));
}

function valuesOf(lines: readonly string[], word: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
}
