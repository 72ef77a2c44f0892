import { lstat, mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../errors.ts';
import { runHelper } from '../host/exec.ts';
import type { Instance } from '../host/instance.ts';
import type { Credentials } from '../host/postgres/credentials.ts';
import { parseJson } from '../util/json.ts';
import { oneLine } from '../util/text.ts';
import { safePathOption } from '../postgres/search-path.ts';
import { limitOf } from './faults.ts';
import { inside, listBackups, readBackup, segment } from './inventory.ts';
import { checkBackup, type CheckSources } from './prove.ts';
import {
  countedTables,
  fingerprintFrom,
  fingerprintLines,
  fingerprintReaders,
  pinned,
  sequenceLines,
  syncWithParent,
  writeRecord,
  writeVerification,
} from './sidecar-files.ts';
import type { BackupVerification, DatabaseFingerprint, Fingerprints, TakeRequest } from './types.ts';

/**
 * Dumps one database: psql keeps a snapshot open while pg_dump reads from it, then reads the same rows itself. Tables are locked
 * before the snapshot is taken: to an older snapshot, a table that is truncated in between would look empty.
 */
const oneDatabase = String.raw`
\set ON_ERROR_STOP on
SELECT current_setting('server_version_num')::int >= 170000 AS v17 \gset
\if :v17
SET transaction_timeout = 0;
\endif
SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s';
${pinned}
SELECT coalesce('LOCK TABLE ' || string_agg(format('ONLY %I.%I', n.nspname, o.relname), ', ') || ' IN ACCESS SHARE MODE', 'SET LOCAL lock_timeout = 60000') AS lock
${countedTables} \gset
${fingerprintReaders}
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
:lock;
SELECT pg_catalog.pg_export_snapshot() AS snapshot \gset
${sequenceLines}
\setenv PROBLEMS_SNAPSHOT :snapshot
\! pg_dump -Fc --no-password --lock-wait-timeout=60s --snapshot="$PROBLEMS_SNAPSHOT" -f "/to/$PROBLEMS_FILE" >/dev/null 2>/to/.work/dump.err; echo $? >/to/.work/dump.status
${sequenceLines}
${fingerprintLines}
ROLLBACK;
`;

/**
 * Runs in the server's network namespace, which its rules for replication allow, with the server's image, and writes straight
 * to the new folder. Arguments are only names of files; user and password come on standard input.
 */
const takeScript = String.raw`
set -u
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGPASSWORD; IFS= read -r PGDATABASE; IFS= read -r label; IFS= read -r physical
export PGPORT PGUSER PGPASSWORD PGDATABASE PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=10 PGAPPNAME=problem-registry PGOPTIONS='-c search_path=${safePathOption}' PGPASSFILE=/dev/null HOME=/to TMPDIR=/to/.work LC_MESSAGES=C
umask 077
mkdir /to/.work && cd /to/.work && cat >one.sql || exit 1
stop() { echo "stop $1"; [ ! -f "$2" ] || grep . "$2" | tail -n 20 | cut -c1-400 | sed 's/^/words /'; exit 1; }
ask() { psql -X -q -w -At -v ON_ERROR_STOP=1 -c "$1" 2>ask.err; }
# Not by its errors: a server may warn at each login, for example of a collation version.
system=$(ask 'SELECT system_identifier FROM pg_control_system()') || stop 'cannot query the server' ask.err
echo "system $system"
printf 'version %s\n' "$(ask 'SHOW server_version')"
printf 'at %s\n' "$(ask "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")"
if [ "$physical" = 1 ]; then
  if ! pg_basebackup -D /to/base -X stream -c fast --manifest-checksums=SHA256 -l "$label" --no-password >base.out 2>base.err; then
    # By the server's words, or, where they are in another language, by what would refuse it.
    if grep -Eq 'no pg_hba.conf entry for replication|pg_hba.conf rejects replication|must be superuser or replication role|denied to start WAL sender' base.err ||
      [ "$(ask 'SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user')" = f ]; then
      rm -rf /to/base
      grep . base.err | tail -n 1 | cut -c1-400 | sed 's/^/refused /'
    else stop 'pg_basebackup' base.err; fi
  fi
fi
main=$PGDATABASE
# A name may contain anything: databases are listed by number, and the x keeps line feeds at the end of a name.
ask "SELECT oid FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname <> current_database(), datname" >databases
number=0
while IFS= read -r oid; do
  PGDATABASE=$main
  name=$(ask "SELECT datname || 'x' FROM pg_database WHERE oid = $oid" </dev/null)
  [ -n "$name" ] || continue
  PGDATABASE=${'$'}{name%x}
  if [ "$PGDATABASE" = postgres ] && [ "$main" != postgres ]; then
    [ "$(ask "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'" </dev/null)" != 0 ] || continue
  fi
  number=$((number + 1)); PROBLEMS_FILE=full.dump; [ $number = 1 ] || PROBLEMS_FILE=full-$number.dump
  export PGDATABASE PROBLEMS_FILE
  for attempt in 1 2 3; do
    rm -f "/to/$PROBLEMS_FILE" dump.status; : >dump.err
    psql -X -q -w -At -f one.sql >prints 2>prints.err </dev/null && [ "$(cat dump.status 2>/dev/null)" = 0 ] && break
    [ $attempt != 3 ] || { [ -s dump.err ] || cat prints.err >dump.err; stop "pg_dump of database $number" dump.err; }
    sleep 1
  done
  echo "file $PROBLEMS_FILE"
  printf 'database %s\n' "$(ask 'SELECT json_build_array(current_database())' </dev/null)"
  sed 's/^/print /' prints
done <databases
PGDATABASE=$main
pg_dumpall --globals-only --no-password -f /to/globals.sql 2>globals.err || stop 'pg_dumpall' globals.err
cd /to && rm -rf /to/.work
sync -f /to 2>/dev/null || sync
echo over
`;

const takeInput: string = oneDatabase;

export interface TakeSources extends CheckSources {
  readonly credentials: Credentials;
}

const takingLabel = 'problems.backup';

/**
 * Takes a backup (docs/engineering/backups.md#taking). It has a temporary name until it is durable and has passed L3, so that
 * an incomplete backup is never mistaken for a complete one. What an earlier process left under that name is deleted.
 */
export async function takeBackup(
  sources: TakeSources,
  folders: readonly string[],
  request: TakeRequest,
): Promise<void> {
  const { instance, name, labels } = request;
  const [parent] = folders;
  if (parent === undefined)
    throw new ProblemsError('bad-config', 'No backup folder is configured.', {
      hint: 'Set remediation.backupFolders.',
    });
  if (!segment.test(name) || !segment.test(instance.name))
    throw new ProblemsError('bad-usage', `Not a valid name of a backup: ${instance.name}/${name}`);
  if (!sources.engine.local)
    throw new ProblemsError(
      'step-refused',
      'The engine runs on another machine and cannot write to a folder of this one.',
    );
  const owner = join(parent, instance.name);
  await mkdir(owner, { recursive: true, mode: 0o700 });
  const folder = join(await inside(folders, owner), name);
  if ((await lstat(folder).catch(() => undefined)) !== undefined)
    throw new ProblemsError('step-refused', `Backup ${instance.name}/${name} already exists.`);
  const part = join(owner, `.${name}.part`);
  await waitForOtherHelper(sources, `${instance.name}/${name}`);
  await rm(part, { recursive: true, force: true });
  const obstacle = await requireSpace(sources, owner, instance);
  await mkdir(part, { mode: 0o700 });
  const began = performance.now();
  const taken = await runTaking(
    sources,
    { ...request, part, physical: obstacle === undefined, limitMs: await timeoutOf(folders, request) },
    labels,
  );
  const tookMs = Math.round(performance.now() - began);
  const { refused, ...fingerprints } = taken;
  await writeRecord(part, 'fingerprints.json', fingerprints);
  await writeRecord(part, 'metadata.json', metadataOf(request, fingerprints, obstacle ?? refused));
  const answer = await checkBackup(sources, await readBackup(part, instance.name, name, 'lies'), {
    upTo: 'L3',
    instance,
  });
  const bad = answer.checks.find(({ result }) => result === 'failed');
  if (bad !== undefined)
    throw new Error(`the new backup ${instance.name}/${name} failed ${bad.level}: ${bad.says.join(' ')}`);
  const verification: BackupVerification = {
    schemaVersion: 1,
    checks: answer.checks,
    files: answer.files,
    filesAt: new Date().toISOString(),
    filesBy: 'completion',
    tookMs,
  };
  await writeVerification(part, `${instance.name}/${name}`, verification);
  await rename(part, folder);
  await syncWithParent(folder);
}

interface Taken extends Fingerprints {
  /** The server's words if it refused replication: then there are dumps, and no base backup. */
  readonly refused: string | undefined;
}

interface Taking extends TakeRequest {
  readonly part: string;
  readonly physical: boolean;
  readonly limitMs: number;
}

async function runTaking(
  { engine, credentials }: TakeSources,
  { instance, name, part, physical, limitMs }: Taking,
  labels: Readonly<Record<string, string>>,
): Promise<Taken> {
  const [password = ''] = await credentials.passwords(instance);
  const { uid, gid } = await stat(part);
  const seconds = Math.ceil(limitMs / 1000);
  const input = [
    String(instance.port),
    instance.user,
    password,
    instance.database,
    `problems ${name}`,
    physical ? '1' : '0',
  ];
  const { stdout, stderr, truncated, exitCode } = await runHelper(engine, {
    task: 'take-backup',
    image: instance.container.image,
    command: ['timeout', '-s', 'KILL', String(seconds), 'sh', '-c', takeScript],
    stdin: [...input.map(oneLine), takeInput].join('\n'),
    network: { container: instance.container.id },
    mounts: [{ type: 'bind', source: part, target: '/to', readonly: false }],
    // The backup gets the owner of the folder.
    user: `${uid}:${gid}`,
    scratch: '/scratch',
    goesOn: true,
    labels: { ...labels, [takingLabel]: `${instance.name}/${name}` },
    timeoutMs: seconds * 1000 + 20_000,
    maxBytes: 64 * 2 ** 20,
  });
  if (exitCode === 137) throw new Error(`the backup of ${instance.name} did not finish within ${seconds} s`);
  const lines = stdout.split('\n');
  if (!lines.includes('over') || truncated) {
    const stopped = lines.find((line) => line.startsWith('stop '))?.slice(5) ?? 'the backup was interrupted';
    const words = lines.filter((line) => line.startsWith('words ')).map((line) => line.slice(6));
    const message = words.join(' | ') || stderr.trim().slice(0, 500);
    const limit = limitOf(message);
    throw new Error(`${stopped}: ${limit === undefined ? '' : `${limit}. `}${message}`);
  }
  function valueOf(word: string): string {
    return lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1) ?? '';
  }
  return {
    schemaVersion: 1,
    at: valueOf('at'),
    systemIdentifier: valueOf('system'),
    serverVersion: valueOf('version'),
    databases: databasesIn(lines),
    refused: valueOf('refused') === '' ? undefined : `the server refuses replication: ${valueOf('refused')}`,
  };
}

function databasesIn(lines: readonly string[]): readonly DatabaseFingerprint[] {
  const found: { file: string; database: string; prints: string[] }[] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (line.startsWith('file ')) found.push({ file: line.slice(5), database: '', prints: [] });
    else if (last !== undefined && line.startsWith('database ')) {
      const name = parseJson(line.slice(9));
      last.database = Array.isArray(name) && typeof name[0] === 'string' ? name[0] : '';
    } else if (last !== undefined && line.startsWith('print ')) last.prints.push(line.slice(6));
  }
  return found.map(({ file, database, prints }) => {
    const { invalid: _, ...fingerprint } = fingerprintFrom(prints, database, file);
    return fingerprint;
  });
}

/**
 * In the format of the managed system, so that its tools can read our backups. `dumps_only` is ours: why there is no base
 * backup.
 */
function metadataOf(
  { instance, name }: TakeRequest,
  { at, serverVersion }: Fingerprints,
  dumpsOnly: string | undefined,
): object {
  const { container, declared, port } = instance;
  const published = container.portBindings.find(({ containerPort }) => containerPort === port)?.hostPort;
  return {
    instance: instance.name,
    backup_name: name,
    type: 'full',
    status: 'completed',
    created: at,
    completed: new Date().toISOString(),
    postgres_version: serverVersion,
    ...(dumpsOnly === undefined ? {} : { dumps_only: dumpsOnly }),
    instance_config: { port: Number(declared['port'] ?? published ?? port), template: declared['template'] ?? '' },
  };
}

/** The helper of a killed process goes on and may still write to the folder. */
async function waitForOtherHelper({ docker, signal }: TakeSources, ref: string): Promise<void> {
  for (;;) {
    const other = (await docker.containers()).find(({ state, labels }) => state.running && labels[takingLabel] === ref);
    if (other === undefined) return;
    await sleep(500, undefined, { signal });
  }
}

/**
 * Three times the duration of the last backup (docs/engineering/backups.md#space-and-time), or an hour for the first one.
 */
async function timeoutOf(folders: readonly string[], { instance, timeoutMs }: TakeRequest): Promise<number> {
  if (timeoutMs !== undefined) return timeoutMs;
  const { backups } = await listBackups(folders, instance.name);
  const last = backups.findLast(({ verification }) => verification?.tookMs !== undefined)?.verification?.tookMs;
  return last === undefined ? 3_600_000 : Math.max(600_000, 3 * last);
}

const sizes = `SELECT (SELECT sum(pg_tablespace_size(oid)) FROM pg_tablespace)::text AS data,
  (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir())::text AS wal,
  (SELECT sum(pg_database_size(oid)) FROM pg_database)::text AS databases,
  (current_setting('wal_level') <> 'minimal' AND current_setting('max_wal_senders')::int >= 2)::text AS replicates,
  (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global'))::text AS tablespaces`;

/**
 * Requires space for the files and dumps, and 15% free on the disk afterwards if the data is on it as well
 * (docs/engineering/backups.md#space-and-time). Returns why no physical backup is possible; undefined if it is.
 */
async function requireSpace({ sql }: TakeSources, folder: string, instance: Instance): Promise<string | undefined> {
  const answer = await sql.query(instance, sizes, { timeoutMs: 60_000 });
  if (!answer.ok) throw new Error(`cannot query the size of ${instance.name}: ${answer.message}`);
  const [row] = answer.rows;
  const obstacle =
    row?.['tablespaces'] === '0'
      ? row['replicates'] === 'true'
        ? undefined
        : 'wal_level is minimal, or max_wal_senders is below 2'
      : 'it has tablespaces outside its data directory';
  const data = Number(row?.['data'] ?? 0);
  const need = (obstacle === undefined ? 1.2 * data + Number(row?.['wal'] ?? 0) : 0) + Number(row?.['databases'] ?? 0);
  const { bavail, blocks, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < need)
    throw new ProblemsError(
      'step-refused',
      `The backup needs ${mebibytes(need)} MiB, but only ${mebibytes(free)} MiB are free at ${folder}.`,
    );
  if ((await isOnSameDisk(folder, instance)) && free - need < 0.15 * blocks * bsize)
    throw new ProblemsError(
      'step-refused',
      `The backup would leave less than 15% free on the disk with the data of ${instance.name}.`,
      { hint: 'Set remediation.backupFolders to a folder on another disk.' },
    );
  return obstacle;
}

async function isOnSameDisk(folder: string, { dataMount }: Instance): Promise<boolean> {
  if (dataMount === undefined) return false;
  const [ours, theirs] = await Promise.all([stat(folder), stat(dataMount.source).catch(() => undefined)]);
  return theirs !== undefined && ours.dev === theirs.dev;
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
