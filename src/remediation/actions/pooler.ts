import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { poolerFolder, poolerLogin, poolerOf, poolerPort, poolerRole } from '../shared/availability.ts';
import { checkpoint, requireInstance } from './setting.ts';
import { operations } from '../operations.ts';

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
 * `pgbouncer.ini`. SCRAM goes through from the client to the server: no entry names a user, and the verifiers are
 * looked up (docs/engineering/pgbouncer.md#authentication). Drivers that set `extra_float_digits` or `options` at the
 * start are not refused for it.
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

/** Asking a pooler of ours to hold its clients back, and to let them go on. */

export const pausing = z.strictObject({ instance: z.string() });

export type Pausing = z.output<typeof pausing>;

/** For how long clients' transactions are waited for. */
const patienceSeconds = 30;

/** The command comes on stdin, behind the secret. */
const script = String.raw`
IFS= read -r PGPASSWORD; IFS= read -r command
export PGPASSWORD PGHOST=127.0.0.1 PGPORT=${poolerPort} PGUSER=${poolerRole} PGDATABASE=pgbouncer PGCONNECT_TIMEOUT=10
exec timeout ${patienceSeconds} psql -X -q -c "$command"
`;

/** Whether it holds its clients back now: by its own log, where the last order stands. */
async function isPaused(instance: string, host: ReadonlyHost): Promise<boolean> {
  const pooler = await requirePooler(instance, host);
  const lines = await host.docker.logs(pooler.id, { since: pooler.state.startedAt, tail: 5_000 });
  const last = lines.findLast(({ text }) => /(?:PAUSE|RESUME) command issued|SIGUSR2/.test(text));
  return last?.text.includes('PAUSE command issued') === true;
}

/** @throws Error: transactions did not end in time; then clients go on. */
async function order(command: 'PAUSE' | 'RESUME', instance: string, host: Host): Promise<void> {
  if ((await isPaused(instance, host)) === (command === 'PAUSE')) return;
  const pooler = await requirePooler(instance, host);
  const { exitCode, stderr } = await ask(command, instance, pooler, host);
  if (exitCode === 0) return;
  if (command === 'PAUSE') await ask('RESUME', instance, pooler, host);
  throw new Error(
    exitCode === 124 || exitCode === 143
      ? `transactions of clients of ${pooler.name} did not end within ${patienceSeconds} s`
      : `${pooler.name}: ${stderr.trim().slice(0, 300)}`,
  );
}

async function ask(
  command: 'PAUSE' | 'RESUME',
  instance: string,
  pooler: Container,
  host: Host,
): Promise<{ readonly exitCode: number; readonly stderr: string }> {
  const login = await poolerLogin(pooler, host);
  if (login === undefined) throw new ProblemsError('step-refused', `${pooler.name} has no login of ours.`);
  return host.change.docker.runHelper({
    image: (await requireInstance(host, instance)).container.image,
    command: ['sh', '-c', script],
    stdin: `${login.password}\n${command}\n`,
    network: { container: pooler.id },
    user: '65534:65534',
    timeoutMs: (patienceSeconds + 15) * 1000,
    maxBytes: 16_384,
  });
}

async function requirePooler(instance: string, host: ReadonlyHost): Promise<Container> {
  const pooler = await poolerOf(await requireInstance(host, instance), host);
  if (pooler?.state.running !== true)
    throw new ProblemsError('step-refused', `No pooler of ours runs in front of ${instance}.`);
  return pooler;
}

export const poolerPause: Action<Pausing, null> = {
  name: 'pooler.pause',
  description:
    'Lets the pooler in front of an instance hold its clients back between their transactions. Two minutes later it lets them go by itself, whatever has become of us.',
  params: pausing,
  undoState: z.null(),
  operation: operations['restart-running'],
  endedBy: 'pooler.resume',
  describe: ({ instance }) => `let the pooler in front of ${instance} hold its clients back`,
  effect: async ({ instance }) => [{ object: `clients of the pooler of ${instance}`, before: 'served', after: 'held' }],
  prepare: () => Promise.resolve(null),
  isDone: ({ instance }, host) => isPaused(instance, host),
  // Its clients wait until the server has been stopped and started: what can be written before, is.
  async beforeInterrupt({ instance }, host) {
    const found = await host.instance(instance);
    if (found !== undefined) await checkpoint(found, host);
  },
  apply: ({ instance }, host) => order('PAUSE', instance, host),
  undo: ({ instance }, _before, host) => order('RESUME', instance, host),
  isUndone: async ({ instance }, _before, host) => !(await isPaused(instance, host)),
};

export const poolerResume: Action<Pausing, null> = {
  name: 'pooler.resume',
  description: 'Lets the clients go on that the pooler in front of an instance holds back.',
  params: pausing,
  undoState: z.null(),
  operation: operations['restart-running'],
  describe: ({ instance }) => `let the clients of the pooler in front of ${instance} go on`,
  effect: async ({ instance }) => [{ object: `clients of the pooler of ${instance}`, before: 'held', after: 'served' }],
  prepare: () => Promise.resolve(null),
  isDone: async ({ instance }, host) => !(await isPaused(instance, host)),
  apply: ({ instance }, host) => order('RESUME', instance, host),
  /** What comes before it is undone while clients wait, and ends in letting them go on. */
  undo: ({ instance }, _before, host) => order('PAUSE', instance, host),
  isUndone: ({ instance }, _before, host) => isPaused(instance, host),
};
