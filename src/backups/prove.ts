import { pointInTimeLevel } from './point-in-time.ts';
import type { ChangingEngine } from '../host/docker/client.ts';
import type { DockerReader } from '../host/docker/types.ts';
import type { Instance } from '../host/instance.ts';
import type { SqlReader } from '../host/postgres/types.ts';
import { once } from '../host/shared-reader.ts';
import { type BackupKeys, openEncrypted } from './decrypt.ts';
import type { DrillRequest, PartRequest } from './probes/dump.ts';
import { readFingerprints } from './inventory.ts';
import { baseLevel, manifestLevel } from './levels/base.ts';
import { type DrillLevels, drillLevel } from './levels/drill.ts';
import {
  archives,
  contents,
  type ListedDump,
  listLevel,
  plainLevel,
  readLevel,
  rowsOnly,
  structureBefore,
  type Wanted,
} from './levels/dump.ts';
import { closedPart, failed, filesLevel, impossible, type Observation } from './levels/files.ts';
import { madeBy, type Programs, programsFor, programsOf } from './programs.ts';
import {
  type Backup,
  type BackupAnswer,
  type BackupCheck,
  type BackupFile,
  type BackupLevel,
  type BackupPart,
  type CheckRequest,
  holdsServerFiles,
} from './types.ts';

export interface CheckSources {
  readonly engine: ChangingEngine;
  readonly docker: DockerReader;
  readonly sql: SqlReader;
  readonly signal: AbortSignal;
  /** Default: encrypted backups stay closed. */
  readonly keys?: BackupKeys;
}

/** As {@link checkFolder}; an encrypted backup whose key is configured is checked as a copy in plain text. */
export async function checkBackup(sources: CheckSources, backup: Backup, request: CheckRequest): Promise<BackupAnswer> {
  const { signal, keys = {} } = sources;
  const isThere = backup.state === 'complete' || backup.state === 'quarantined';
  const timeoutMs = request.timeoutMs ?? Math.max(120_000, (backup.bytes / 2 ** 20) * 1_000);
  const opened = isThere ? await openEncrypted(backup, keys, { signal, timeoutMs }) : undefined;
  if (opened?.type !== 'copy') return checkFolder(sources, backup, request, { closed: opened?.observations });
  try {
    return await checkFolder(sources, opened.backup, request, { stored: backup });
  } finally {
    await opened.remove();
  }
}

interface Encrypted {
  /** The backup itself, if a copy of it in plain text is checked. */
  readonly stored?: Backup;
  /** Why there is no such copy. */
  readonly closed?: readonly Observation[] | undefined;
}

/**
 * Checks level after level until one fails or `upTo` is reached. A level that applies to no part is left out. A check that
 * could not run does not end it, since a restore later on says more.
 */
async function checkFolder(
  sources: CheckSources,
  backup: Backup,
  request: CheckRequest,
  encrypted: Encrypted,
): Promise<BackupAnswer> {
  const { upTo = 'L4', instance, onProgress } = request;
  const fingerprints = await readFingerprints(backup);
  const own = await programsOf(sources.docker, instance);
  const checks: BackupCheck[] = [];
  let files: readonly BackupFile[] = [];

  /** Whether to go on. */
  async function level(name: BackupLevel, doing: string, ask: () => Promise<readonly Observation[]>): Promise<boolean> {
    if (name > upTo) return false;
    onProgress?.(`${backup.ref}: ${name}, ${doing}`);
    sources.signal.throwIfAborted();
    const began = performance.now();
    const observations = await ask();
    if (observations.length > 0) checks.push(checkOf(name, observations, Math.round(performance.now() - began)));
    return checks.at(-1)?.result !== 'failed' || checks.at(-1)?.level !== name;
  }

  if (backup.state === 'running') {
    await level('L0', 'checking its state', async () => [
      impossible('unfinished', 'It is still being taken, or was abandoned.'),
    ]);
    return { checks, files };
  }
  if (backup.state === 'failed') {
    await level('L0', 'checking its state', async () => [
      failed('reported-failed', 'Its metadata says that it failed.'),
    ]);
    return { checks, files };
  }

  let scans: Awaited<ReturnType<typeof filesLevel>>['scans'] = new Map();
  const listed = new Map<string, ListedDump>();
  const closed = backup.parts.flatMap((part) => closedPart(part) ?? []);
  const parts = backup.parts.filter((part) => part.kind !== 'unknown' && closedPart(part) === undefined);
  const restored = parts.filter(({ kind }) => kind !== 'globals');
  const several = restored.filter(({ kind }) => archives.includes(kind)).length > 1;

  /** The first is for reading; a restore tries them in turn. */
  const programsOfPart = once(async (part: BackupPart): Promise<readonly Programs[]> => {
    const made = await madeBy(backup.folder, part, scans.get(part.path));
    return programsFor(sources.docker, instance, own, part, made);
  });

  function requestOf(part: BackupPart, ladder: BackupLevel, { image }: Programs): PartRequest {
    return {
      folder: backup.folder,
      path: part.path,
      kind: part.kind,
      packing: part.packing,
      image,
      timeoutMs: timeoutOf(backup, part, request, ladder),
    };
  }

  function wantedOf(part: BackupPart, { newer }: Programs = own): Wanted {
    const fingerprint = fingerprints?.databases.find(({ file }) => file === part.path);
    return {
      newer,
      database: fingerprint?.database ?? (several ? undefined : instance.database),
      fingerprint,
    };
  }

  const ladder: readonly (readonly [BackupLevel, string, () => Promise<readonly Observation[]>])[] = [
    [
      'L0',
      'reading its files',
      async () => {
        const found = await filesLevel(backup, fingerprints, sources.signal, encrypted.stored);
        ({ files, scans } = found);
        return [...found.observations, ...(encrypted.closed ?? [])];
      },
    ],
    [
      'L1',
      'listing its content',
      async () =>
        observeUntilFailure(restored, async (part) => {
          if (holdsServerFiles(part.kind)) return baseLevel(backup, part, own.major);
          if (!archives.includes(part.kind)) return plainLevel(part.path, scans.get(part.path), wantedOf(part));
          const [programs = own] = await programsOfPart(part);
          const found = await listLevel(sources.engine, requestOf(part, 'L1', programs), wantedOf(part, programs));
          listed.set(part.path, found);
          return found.observation;
        }),
    ],
    [
      'L2',
      'unpacking it',
      async () =>
        observeUntilFailure(
          restored.filter(({ kind }) => !holdsServerFiles(kind)),
          async (part) => {
            if (!archives.includes(part.kind)) return plainLevel(part.path, scans.get(part.path), wantedOf(part));
            const [programs = own] = await programsOfPart(part);
            const tableData = listed.get(part.path)?.tableData ?? 0;
            return readLevel(sources.engine, requestOf(part, 'L2', programs), tableData, programs.newer);
          },
        ),
    ],
    [
      'L3',
      'comparing it with its manifest',
      async () => {
        const identifier = fingerprints?.systemIdentifier ?? (await identifierOf(sources.sql, instance));
        return observeUntilFailure(
          restored.filter(({ kind }) => holdsServerFiles(kind)),
          (part) => manifestLevel(sources.engine, requestOf(part, 'L3', own), identifier),
        );
      },
    ],
  ];
  for (const [name, doing, ask] of ladder) if (!(await level(name, doing, ask))) return { checks, files };
  if (upTo < 'L4') return { checks, files };

  const deep = upTo >= 'L5';
  const structure: Observation[] = [];
  const sourceTables = request.withSource === true ? await tablesOf(sources.sql, instance) : undefined;
  await level('L4', 'restoring it in a temporary container', async () => [
    ...closed,
    ...(await observeUntilFailure(restored, async (part) => {
      if (own.major === undefined)
        return impossible('not-supported', `The image of ${instance.name} does not tell its PostgreSQL version.`);
      const holds = contents(part, listed, scans);
      const before = structureBefore(part, restored, listed, scans);
      if (holds === 'rows' && before === undefined) return rowsOnly(part.path);
      const database = wantedOf(part).database ?? listed.get(part.path)?.database ?? instance.database;
      let found: DrillLevels | undefined;
      for (const programs of await programsOfPart(part)) {
        found = await drillLevel(
          sources.engine,
          {
            ...requestOf(part, 'L4', programs),
            ...drillOf(backup, part, instance, database, scans.get(part.path)?.text?.connects ?? false),
            before,
            deep,
            newer: programs.newer,
            isStructureOnly:
              holds === 'structure' && restored.every((one) => contents(one, listed, scans) === 'structure'),
          },
          {
            fingerprint: wantedOf(part).fingerprint,
            sourceTables: database === instance.database ? sourceTables : undefined,
          },
        );
        if (found.restore.cause !== 'version') break;
      }
      if (found === undefined) return impossible('not-supported', `${part.path} was not restored.`);
      if (found.structure !== undefined) structure.push(found.structure);
      return found.restore;
    })),
  ]);
  if (checks.at(-1)?.result !== 'failed') await level('L5', 'checking its structure', () => Promise.resolve(structure));
  if (checks.at(-1)?.result !== 'failed')
    await level('L6', 'recovering a copy to the newest archived file', async () =>
      observeUntilFailure(
        restored.filter(({ kind }) => kind === 'base-backup'),
        (part) =>
          pointInTimeLevel(sources.engine, {
            backup,
            part,
            image: own.image,
            role: instance.user,
            archive: request.archive,
            timeoutMs: timeoutOf(backup, part, request, 'L6'),
          }),
      ),
    );
  return { checks, files };
}

function drillOf(
  backup: Backup,
  part: BackupPart,
  instance: Instance,
  database: string,
  creates: boolean,
): Pick<DrillRequest, 'role' | 'database' | 'creates' | 'globals' | 'needKiB'> {
  const globals = backup.parts.find(({ kind }) => kind === 'globals')?.path;
  return {
    role: instance.user,
    database,
    creates,
    globals,
    needKiB: 65_536 + (part.bytes * sizeFactor(part)) / 1024,
  };
}

/** How much larger a restored copy may be than its backup (docs/engineering/backups.md#space-and-time). */
function sizeFactor({ kind, packing }: BackupPart): number {
  if (packing !== undefined) return 10;

  if (holdsServerFiles(kind)) return kind === 'base-backup-tar' ? 5 : 1.2;
  return kind === 'plain' || kind === 'cluster' || kind === 'tar' ? 2 : 8;
}

async function observeUntilFailure(
  parts: readonly BackupPart[],
  ask: (part: BackupPart) => Promise<Observation>,
): Promise<readonly Observation[]> {
  const observations: Observation[] = [];
  for (const part of parts) {
    observations.push(await ask(part));
    if (observations.at(-1)?.result === 'failed') break;
  }
  return observations;
}

/** One failure fails the level; one check that could not run makes it impossible. */
function checkOf(level: BackupLevel, observations: readonly Observation[], ms: number): BackupCheck {
  const result =
    (['failed', 'impossible'] as const).find((one) => observations.some((seen) => seen.result === one)) ?? 'passed';
  const deciding = observations.filter((seen) => seen.result === result);
  const cause = deciding[0]?.cause;
  return {
    level,
    result,
    at: new Date().toISOString(),
    ...(cause === undefined ? {} : { cause }),
    says: deciding.map(({ says }) => says),
    ms,
  };
}

/**
 * Three times the last duration (docs/engineering/backups.md#space-and-time), or what a slow disk may need the first time.
 */
function timeoutOf(
  { verification }: Backup,
  part: BackupPart,
  { timeoutMs }: CheckRequest,
  level: BackupLevel,
): number {
  const last = verification?.checks.find((check) => check.level === level)?.ms ?? 0;
  const perMebibyte = level >= 'L4' ? 2_000 * sizeFactor(part) : 500;
  return timeoutMs ?? Math.max(level >= 'L4' ? 600_000 : 120_000, (part.bytes / 2 ** 20) * perMebibyte, 3 * last);
}

async function identifierOf(sql: SqlReader, instance: Instance): Promise<string | undefined> {
  if (!instance.container.state.running) return undefined;
  const answer = await sql.query(instance, 'SELECT system_identifier::text AS id FROM pg_control_system()');
  return answer.ok ? (answer.rows[0]?.['id'] ?? undefined) : undefined;
}

/** In the order in which they were created. */
async function tablesOf(sql: SqlReader, instance: Instance): Promise<readonly string[] | undefined> {
  if (!instance.container.state.running) return undefined;
  const answer = await sql.query(
    instance,
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY c.oid`,
    { maxRows: 20_000 },
  );
  return answer.ok ? answer.rows.map((row) => row['name'] ?? '') : undefined;
}
