import type { HelperSession } from '../../host/helper-session.ts';
import type { HelperResult } from '../../host/docker/types.ts';

/**
 * The programs of a drill. The server and its files belong to the image's postgres. The tool's own programs run as another
 * user that owns nothing, so what the backup starts in the server can neither stop nor change them, and what they print
 * is what the server answered.
 */
export interface DrillPrograms {
  /** Runs as the user of the server. */
  asServer(script: string, stdin?: Input): Promise<HelperResult>;
  /** `database`: what the programs connect to. */
  asClient(script: string, options?: { readonly database?: string; readonly stdin?: Input }): Promise<HelperResult>;
}

type Input = string | AsyncIterable<Uint8Array>;

/** Where the scratch volume is: a folder that every image has, and that every user may write to. */
export const scratchFolder = '/tmp';

const serverFolder = `${scratchFolder}/drill`;
/** Made when something is unpacked into it. */
export const clientFolder = `${scratchFolder}/client`;

/** Everything that names a connection is set, whatever the image declares. */
const environment = {
  PGHOST: serverFolder,
  PGPORT: '5432',
  PGPASSWORD: '',
  PGOPTIONS: '',
  PGCONNECT_TIMEOUT: '30',
  PGAPPNAME: 'problem-registry',
  PGDATA: `${serverFolder}/data`,
  LC_MESSAGES: 'C',
  POSTGRES_PASSWORD: '',
};

export function drillPrograms(
  session: HelperSession,
  users: { readonly server: string; readonly client: string },
  variables: Readonly<Record<string, string>>,
): DrillPrograms {
  const command = ['bash', '-uc'] as const;
  const maxBytes = 64 * 2 ** 20;
  return {
    asServer: (script, stdin = '') =>
      session.run({
        command: [...command, `umask 077\n${script}`],
        user: users.server,
        env: { ...environment, ...variables, HOME: serverFolder, TMPDIR: serverFolder },
        stdin,
        maxBytes,
      }),
    asClient: (script, { database = '', stdin = '' } = {}) =>
      session.run({
        command: [...command, `umask 077\n${script}`],
        user: users.client,
        env: { ...environment, ...variables, HOME: clientFolder, TMPDIR: clientFolder, PGDATABASE: database },
        stdin,
        maxBytes,
      }),
  };
}

/** Ends when the disk has lost more than `allowedKiB`, or hardly anything is left on it. */
export function watchDisk(allowedKiB: number): readonly string[] {
  const script = String.raw`
free() { df -Pk ${scratchFolder} | awk 'NR == 2 { print $4 }'; }
first=$(free)
while sleep 0.5; do now=$(free); [ $((first - now)) -lt "$1" ] && [ "$now" -gt 65536 ] || exit 0; done`;
  return ['bash', '-c', script, 'watch', String(Math.ceil(allowedKiB))];
}

/** Makes the folders. Prints the space that is free, in KiB. */
export const makeServerFolder = `mkdir -m 711 ${serverFolder} && mkdir -m 700 ${serverFolder}/data || exit 1
df -Pk ${scratchFolder} | awk 'NR == 2 { print $4 }'`;

/** Unpacks the server's files from a tar stream, which may be compressed. */
export const unpackFiles = `tar -xf - -C ${serverFolder}/data`;
export const unpackFilesGzip = `gzip -dc | tar -xf - -C ${serverFolder}/data`;
export const makeWalFolder = `mkdir -p ${serverFolder}/data/pg_wal`;
export const unpackWal = `tar -xf - -C ${serverFolder}/data/pg_wal`;
export const unpackWalGzip = `gzip -dc | tar -xf - -C ${serverFolder}/data/pg_wal`;

/** Neither archives, nor replicates, nor connects to anything. The first lines of what went wrong are kept. */
const serve = String.raw`
cd ${serverFolder} || exit 1
note() { grep -E "$1" "$2" | cut -c1-400 | head -n 25 | sed "s/^/$3 /"; }
serve() {
  pg_ctl -D ${serverFolder}/data -l ${serverFolder}/log -t 86400 -w -s -o "-c listen_addresses='' -c unix_socket_directories=${serverFolder} -c unix_socket_permissions=0777 -c port=5432 -c ssl=off -c logging_collector=off -c log_destination=stderr -c archive_mode=off -c archive_command='' -c restore_command='' -c primary_conninfo='' -c primary_slot_name='' -c max_logical_replication_workers=0 -c autovacuum=off -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=64MB -c maintenance_work_mem=64MB -c max_wal_size=512MB -c jit=off $*" start >/dev/null 2>&1 </dev/null
}`;

/** Prints `fault …` or `unsupported …`, or `serving`. */
export const startOnFiles = `${serve}
[ -z "$(ls data/pg_tblspc 2>/dev/null)" ] && [ ! -s data/tablespace_map ] || { echo 'unsupported the backup has tablespaces outside the data directory'; exit 0; }
rm -f data/postmaster.pid data/postmaster.opts data/standby.signal data/recovery.signal
: >data/postgresql.auto.conf; : >drill.conf; echo 'local all all trust' >hba.conf; : >ident.conf
chmod 700 data
setting() { pg_controldata data | sed -n "s/^$1 setting: *//p"; }
preload=$(sed -n "s/^ *shared_preload_libraries *=* *'\\([A-Za-z0-9_, ]*\\)'.*/\\1/p" data/postgresql.conf 2>/dev/null | tail -n 1)
if serve "-c config_file=${serverFolder}/drill.conf -c hba_file=${serverFolder}/hba.conf -c ident_file=${serverFolder}/ident.conf -c max_prepared_transactions=$(setting max_prepared_xacts) -c max_locks_per_transaction=$(setting max_locks_per_xact) -c shared_preload_libraries='$preload'"; then echo serving
else note 'FATAL|PANIC|ERROR|could not' log fault; [ -s log ] || echo 'fault the server did not start'; fi`;

export const startEmpty = `${serve}
initdb -D ${serverFolder}/data -U "$SUPER" -A trust -E UTF8 --no-sync >initdb.out 2>&1 </dev/null || { note . initdb.out unsupported; exit 0; }
# A dump with large objects or many tables takes more locks than a server has by default.
if serve "-c wal_level=minimal -c max_wal_senders=0 -c max_locks_per_transaction=1024"; then echo serving; else note . log unsupported; fi`;

/** Whatever the backup has left running under the server's user is ended before its files are checked. */
export const checkSums = `cd ${serverFolder} || exit 1
pg_ctl -D ${serverFolder}/data -m fast -w -s stop >/dev/null 2>&1
kill -9 -1 2>/dev/null
exec pg_checksums --check -D ${serverFolder}/data 2>&1`;

/** Prints how often the kernel has ended a process because the memory was used up, for either version of cgroups. */
export const outOfMemory = `sed -n 's/^oom_kill //p' /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null | head -n 1`;
