import { poolerFolder, poolerPort, poolerRole } from '../instances/pooler.ts';

/** The last line: without it something is missing. A comment to PgBouncer. */
const endOfConfig = '; end of the configuration';

/** After which a paused pooler lets its clients go on, whatever became of whoever paused it. */
const pauseSeconds = 120;

export interface PoolerConfig {
  readonly server: { readonly host: string; readonly port: number };
  /** Plain names, each with the lookup function in it. */
  readonly databases: readonly string[];
  readonly mode: 'session' | 'transaction';
  /** Server connections for each role in each database, and for each database together. */
  readonly poolSize: number;
  readonly perDatabase: number;
  readonly maxClients: number;
  /** Server connections for the pooler's own role, which looks up verifiers and proves that clients get through. */
  readonly ownConnections: number;
}

/**
 * `pgbouncer.ini`. SCRAM goes through from the client to the server: no entry names a user, and the verifiers are looked
 * up (PGOPS §2.6). Drivers that set `extra_float_digits` or `options` at the start are not refused for it.
 */
export function poolerConfig(config: PoolerConfig): string {
  const { server, databases, mode, poolSize, perDatabase, maxClients, ownConnections } = config;
  return [
    '[databases]',
    ...databases.map((name) => `${name} = host=${server.host} port=${server.port} dbname=${name}`),
    '[pgbouncer]',
    'listen_addr = *',
    `listen_port = ${poolerPort}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${poolerFolder}/userlist.txt`,
    `auth_user = ${poolerRole}`,
    `auth_query = SELECT usename, passwd FROM ${poolerRole}.lookup($1)`,
    `admin_users = ${poolerRole}`,
    'log_connections = 0',
    'log_disconnections = 0',
    'log_stats = 0',
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    `max_db_connections = ${perDatabase}`,
    `max_client_conn = ${maxClients}`,
    'ignore_startup_parameters = extra_float_digits,options',
    '[users]',
    `${poolerRole} = pool_mode=transaction max_user_connections=${ownConnections}`,
    endOfConfig,
    '',
  ].join('\n');
}

/**
 * What the pooler's container runs. It reads the one secret and then its configuration from standard input, once: both
 * stay in the container's own files, so that it starts again by itself. What was cut off on its way is not taken for
 * a configuration: it waits for another, which only a new container gets. Prepared statements of the protocol work in
 * transaction mode from version 1.21 on, with a setting that earlier ones refuse. Who orders a pause may die before
 * its end, so the pooler reads its own log and lets clients go on by itself.
 */
export const poolerEntry = String.raw`
set -eu
umask 077
folder=${poolerFolder}
if [ ! -s "$folder/pgbouncer.ini" ]; then
  mkdir -p "$folder"
  IFS= read -r secret
  [ -n "$secret" ]
  printf '"${poolerRole}" "%s"\n' "$secret" > "$folder/userlist.txt"
  cat > "$folder/pgbouncer.ini.part"
  if [ "$(tail -n 1 "$folder/pgbouncer.ini.part")" != '${endOfConfig}' ]; then
    echo 'the configuration was cut off'
    exit 1
  fi
  version=$(pgbouncer --version | sed -n 's/^PgBouncer \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
  set -- $version
  if [ "$1" -gt 1 ] || [ "$2" -ge 21 ]; then
    sed -i 's/^listen_port = .*/&\nmax_prepared_statements = 200/' "$folder/pgbouncer.ini.part"
  fi
  mv "$folder/pgbouncer.ini.part" "$folder/pgbouncer.ini"
  echo configured
fi
rm -f "$folder/log"
mkfifo "$folder/log"
while IFS= read -r line; do
  printf '%s\n' "$line"
  case $line in *'PAUSE command issued'*) (sleep ${pauseSeconds}; kill -USR2 1) & ;; esac
done < "$folder/log" &
exec pgbouncer "$folder/pgbouncer.ini" > "$folder/log" 2>&1
`;
