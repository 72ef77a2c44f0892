import type { ChangingEngine } from '../../host/docker/client.ts';
import {
  fingerprintFrom,
  fingerprintLines,
  fingerprintReaders,
  pinned,
  type ReadFingerprint,
  sequenceLines,
} from '../sidecar-files.ts';
import { parseJson } from '../../util/json.ts';
import { oneLine } from '../../util/text.ts';
import { runWithBackup, helperPath, isNotAsked, type NotAsked, type PartRequest } from './dump.ts';

/**
 * Starts a temporary server on a copy, without a network, that neither archives, nor replicates, nor connects to anything.
 * The first lines of the restoring programs are kept. The server and all that runs SQL of the backup run as postgres; only
 * the copying runs as root.
 */
const script = String.raw`
set -u
IFS= read -r kind; IFS= read -r part; IFS= read -r before; IFS= read -r globals
IFS= read -r role; IFS= read -r database; IFS= read -r creates; IFS= read -r deep; IFS= read -r need
export TMPDIR=/scratch HOME=/scratch PGHOST=/scratch PGCONNECT_TIMEOUT=30 PGAPPNAME=problem-registry LC_MESSAGES=C
unset PGPASSWORD PGUSER PGDATABASE PGPORT PGDATA POSTGRES_PASSWORD
umask 077
chown postgres: /scratch && cd /scratch || exit 1
if command -v gosu >/dev/null; then as() { gosu postgres "$@"; }
elif command -v su-exec >/dev/null; then as() { su-exec postgres "$@"; }
else as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }; fi

room=$(df -Pk /scratch | awk 'NR == 2 { print $4 }')
[ "$room" -gt "$need" ] || { echo "no-room $need $room"; exit 0; }
note() { grep -E "$1" "$2" | cut -c1-400 | head -n 25 | sed "s/^/$3 /"; }
serve() {
  as pg_ctl -D /scratch/data -l /scratch/log -t 86400 -w -s -o "-c listen_addresses='' -c unix_socket_directories=/scratch -c port=5432 -c ssl=off -c logging_collector=off -c log_destination=stderr -c archive_mode=off -c archive_command='' -c restore_command='' -c primary_conninfo='' -c primary_slot_name='' -c max_logical_replication_workers=0 -c autovacuum=off -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=64MB -c maintenance_work_mem=64MB -c max_wal_size=4GB -c jit=off $*" start >/dev/null 2>&1
}
prints() {
  printf 'database '; as psql -X -q -At -U "$1" -d "$2" -c "SELECT json_build_array(current_database())" 2>&1
  as psql -X -q -At -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -U "$1" -d "$2" -f /scratch/prints.sql 2>/scratch/prints.err | sed 's/^/print /'
  note . /scratch/prints.err unread
}
cat >/scratch/prints.sql; chmod 644 /scratch/prints.sql; chown postgres: /scratch/prints.sql

case $kind in
base-backup|data-directory)
  mkdir data && cp -a "$part/." data/ 2>copy.err || { note . copy.err fault; exit 0; } ;;
base-backup-tar)
  mkdir data && for one in base pg_wal; do
    into=data; [ $one = base ] || { into=data/pg_wal; mkdir -p $into; }
    if [ -f "$part/$one.tar.gz" ]; then gzip -dc "$part/$one.tar.gz" | tar -xf - -C $into; elif [ -f "$part/$one.tar" ]; then tar -xf "$part/$one.tar" -C $into; fi
  done 2>copy.err; [ ! -s copy.err ] || { note . copy.err fault; exit 0; } ;;
esac
if [ -d data ]; then
  [ -z "$(ls data/pg_tblspc 2>/dev/null)" ] || { echo 'unsupported the backup has tablespaces outside the data directory'; exit 0; }
  rm -f data/postmaster.pid data/postmaster.opts data/standby.signal data/recovery.signal
  : >data/postgresql.auto.conf; : >drill.conf; echo 'local all all trust' >hba.conf; : >ident.conf
  chown -R postgres: data drill.conf hba.conf ident.conf; chmod 700 data
  setting() { as pg_controldata data | sed -n "s/^$1 setting: *//p"; }
  preload=$(sed -n "s/^ *shared_preload_libraries *=* *'\([A-Za-z0-9_, ]*\)'.*/\1/p" data/postgresql.conf 2>/dev/null | tail -n 1)
  if ! serve "-c config_file=/scratch/drill.conf -c hba_file=/scratch/hba.conf -c ident_file=/scratch/ident.conf -c max_prepared_transactions=$(setting max_prepared_xacts) -c max_locks_per_transaction=$(setting max_locks_per_xact) -c shared_preload_libraries='$preload'"; then
    note 'FATAL|PANIC|ERROR|could not' log fault; [ -s log ] || echo 'fault the server did not start'; exit 0
  fi
  super=
  for one in "$role" postgres; do as psql -X -q -At -U "$one" -d template1 -c 'select 1' >/dev/null 2>&1 && { super=$one; break; }; done
  [ -n "$super" ] || { echo "unsupported neither $role nor postgres is a role of it"; exit 0; }
  echo "system $(as pg_controldata data | sed -n 's/^Database system identifier: *//p')"
  as psql -X -q -At -U "$super" -d template1 -c "select datname from pg_database where datallowconn and datname <> 'template0' order by 1" >databases
else
  super=problems_drill
  as initdb -D /scratch/data -U $super -A trust -E UTF8 --no-sync >initdb.out 2>&1 || { note . initdb.out unsupported; exit 0; }
  serve "-c wal_level=minimal -c max_wal_senders=0" || { note . log unsupported; exit 0; }
  sql() { as psql -X -q -U $super "$@"; }
  : >faults
  [ -z "$globals" ] || sql -d postgres <"$globals" >/dev/null 2>>faults
  if [ "$kind" != cluster ]; then
    printf "SELECT format('CREATE ROLE %%I SUPERUSER LOGIN', :'u') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'u') \\gexec\n" | sql -v u="$role" -d postgres >/dev/null 2>&1
  fi
  case $kind in
  plain|plain-gzip|cluster)
    into=$database
    [ "$kind" != cluster ] && [ "$creates" != 1 ] || into=postgres
    [ "$into" = postgres ] || as createdb -U $super -T template0 -E UTF8 -- "$into" 2>>faults
    [ -z "$before" ] || sql -d "$into" <"$before" >/dev/null 2>>faults
    if [ "$kind" = plain-gzip ]; then gzip -dc "$part" | sql -d "$into" >/dev/null 2>>faults; else sql -d "$into" <"$part" >/dev/null 2>>faults; fi
    status=$?; [ $status = 0 ] || echo "psql ended with $status" >>faults ;;
  directory)
    cp -a "$part" dump && chown -R postgres: dump
    as pg_restore -U $super -C --clean --if-exists --no-tablespaces -d template1 dump 2>>faults; status=$?
    [ $status = 0 ] || echo "pg_restore ended with $status" >>faults ;;
  *)
    as pg_restore -U $super -C --clean --if-exists --no-tablespaces -d template1 <"$part" 2>>faults; status=$?
    [ $status = 0 ] || echo "pg_restore ended with $status" >>faults ;;
  esac
  note 'ERROR|FATAL|error:|ended with|invalid command' faults fault
  if [ "$kind" = cluster ] || [ "$creates" = 1 ]; then sql -At -d postgres -c "select datname from pg_database where datallowconn and not datistemplate order by 1" >databases
  else printf '%s\n' "$database" >databases; fi
fi
while IFS= read -r one; do prints "$super" "$one" </dev/null; done <databases
echo restored
if [ "$deep" = 1 ]; then
  as pg_amcheck -U "$super" --all --install-missing --heapallindexed --parent-check --rootdescend >amcheck.out 2>&1 </dev/null
  echo "amcheck $?"; note . amcheck.out amcheck-says
  as pg_dumpall -U "$super" >/dev/null 2>dump.out </dev/null; echo "dumped $?"; note . dump.out dump-says
  as pg_ctl -D /scratch/data -m fast -w -s stop >/dev/null 2>&1
  as pg_checksums --check -D /scratch/data >sums.out 2>&1; echo "checksums $?"; note . sums.out checksums-says
fi
echo over
`;

export interface DrillRequest extends PartRequest {
  /** The superuser: the owner for a dump without roles, or the role that queries a copy of files. */
  readonly role: string;
  /** The database for a dump that does not name one. */
  readonly database: string;
  /** Whether the plain dump creates its database itself. */
  readonly creates: boolean;
  /** A dump of the roles. `before`: one of the schema, if this dump has only rows. Paths within the backup. */
  readonly globals: string | undefined;
  readonly before: string | undefined;
  /** Also checks structure and checksums (L5). */
  readonly deep: boolean;
  /** Space for the copy. */
  readonly needKiB: number;
}

export interface Drill {
  /** Errors of the restoring program; empty if there are none. */
  readonly faults: readonly string[];
  /** The drill finished. */
  readonly restored: boolean;
  readonly systemIdentifier: string | undefined;
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
const drillMemory = 2 * 2 ** 30;

/** Restores one part in a temporary container on a temporary volume, and reads all of it back. */
export async function drill(engine: ChangingEngine, request: DrillRequest): Promise<Drill | NotAsked> {
  const { kind, role, database, creates, globals, before, deep, needKiB } = request;
  const input = [
    kind,
    helperPath(request.path),
    before === undefined ? '' : helperPath(before),
    globals === undefined ? '' : helperPath(globals),
    role,
    database,
    creates ? '1' : '0',
    deep ? '1' : '0',
    String(Math.ceil(needKiB)),
  ].map(oneLine);
  const result = await runWithBackup(engine, request, {
    shell: 'bash',
    script,
    stdin: [...input, pinned, fingerprintReaders, sequenceLines, fingerprintLines].join('\n'),
    scratch: '/scratch',
    memoryBytes: drillMemory,
    capabilities: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE', 'SETUID', 'SETGID'],
    maxBytes: 64 * 2 ** 20,
  });
  if (isNotAsked(result)) return result;
  if (result.truncated) return { impossible: 'not-supported', says: 'It contains more objects than can be compared.' };
  const lines = result.stdout.split('\n');
  const [, need, room] = /^no-room (\d+) (\d+)$/m.exec(result.stdout) ?? [];
  if (need !== undefined)
    return { impossible: 'no-room', says: `A copy needs ${need} KiB, but only ${room} KiB are free.` };
  const unsupported = valuesOf(lines, 'unsupported');
  if (unsupported.length > 0) return { impossible: 'not-supported', says: unsupported.join('; ') };
  const faults = valuesOf(lines, 'fault');
  if (!lines.includes('over') && faults.length === 0)
    return { impossible: 'not-supported', says: `the drill was interrupted: ${result.stderr.trim().slice(0, 500)}` };
  return {
    faults,
    restored: lines.includes('restored'),
    systemIdentifier: valuesOf(lines, 'system')[0],
    databases: databasesIn(lines),
    unread: valuesOf(lines, 'unread'),
    structure: deep && lines.includes('over') ? structureIn(lines) : undefined,
  };
}

function databasesIn(lines: readonly string[]): readonly ReadFingerprint[] {
  const found: { readonly name: string; readonly prints: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith('database ')) {
      const name = parseJson(line.slice(9));
      found.push({ name: Array.isArray(name) && typeof name[0] === 'string' ? name[0] : '', prints: [] });
    } else if (line.startsWith('print ')) found.at(-1)?.prints.push(line.slice(6));
  }
  return found.map(({ name, prints }) => fingerprintFrom(prints, name, null));
}

function structureIn(lines: readonly string[]): Drill['structure'] {
  function code(word: string): number {
    return Number(valuesOf(lines, word)[0] ?? 1);
  }
  return {
    amcheck: code('amcheck'),
    amcheckSays: valuesOf(lines, 'amcheck-says'),
    dump: code('dumped'),
    dumpSays: valuesOf(lines, 'dump-says'),
    checksums: code('checksums'),
    checksumsSays: valuesOf(lines, 'checksums-says'),
  };
}

function valuesOf(lines: readonly string[], word: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
}
