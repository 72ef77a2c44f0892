import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { poolerFolder, poolerLogin, poolerOf, poolerPort, poolerRole } from '../shared/availability.ts';
import { checkpoint, requireInstance } from './setting.ts';
import { operations } from '../operations.ts';

/** Last line of a complete configuration. A comment for PgBouncer. */
const endOfConfig = '; end of the configuration';

/** After this a paused pooler resumes by itself, even if the process that paused it has died. */
const pauseSeconds = 120;

export interface PoolerConfig {
  readonly server: { readonly host: string; readonly port: number };
  /** Names of databases that have the lookup function. */
  readonly databases: readonly string[];
  readonly mode: 'session' | 'transaction';
  /** Server connections for each role in each database, and in total for each database. */
  readonly poolSize: number;
  readonly perDatabase: number;
  readonly maxClients: number;
  /** Server connections for the pooler's own role, which looks up verifiers and verifies that clients can connect. */
  readonly ownConnections: number;
}

/**
 * `pgbouncer.ini`. SCRAM passes through from the client to the server: no entry names a user, and verifiers are looked up
 * (docs/engineering/pgbouncer.md#authentication). Accepts drivers that set `extra_float_digits` or `options` at startup.
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
 * What the pooler's container runs. It reads the secret and then its configuration from standard input once, and keeps
 * both in the container's own files, so that it can restart. An incomplete configuration is not used. Protocol-level
 * prepared statements work in transaction mode from version 1.21 on, with a setting that earlier versions refuse. The
 * process that orders a pause may die, so the pooler watches its own log and resumes by itself.
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

/** Pauses and resumes a pooler of ours. */

export const pausing = z.strictObject({ instance: z.string() });

export type Pausing = z.output<typeof pausing>;

/** How long to wait for clients' transactions. */
const patienceSeconds = 30;

/** The command comes on stdin, after the secret. */
const script = String.raw`
IFS= read -r PGPASSWORD; IFS= read -r command
export PGPASSWORD PGHOST=127.0.0.1 PGPORT=${poolerPort} PGUSER=${poolerRole} PGDATABASE=pgbouncer PGCONNECT_TIMEOUT=10
exec timeout ${patienceSeconds} psql -X -q -c "$command"
`;

/** Whether it is paused: the last command in its log. */
async function isPaused(instance: string, host: ReadonlyHost): Promise<boolean> {
  const pooler = await requirePooler(instance, host);
  const lines = await host.docker.logs(pooler.id, { since: pooler.state.startedAt, tail: 5_000 });
  const last = lines.findLast(({ text }) => /(?:PAUSE|RESUME) command issued|SIGUSR2/.test(text));
  return last?.text.includes('PAUSE command issued') === true;
}

/** @throws Error: transactions did not end in time; the pooler is then resumed. */
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
  if (login === undefined) throw new ProblemsError('step-refused', `${pooler.name} has no login for this program.`);
  return host.change.docker.runHelper({
    task: 'client',
    image: (await requireInstance(host, instance)).container.image,
    command: ['sh', '-c', script],
    stdin: `${login.password}\n${command}\n`,
    network: { container: pooler.id },
    timeoutMs: (patienceSeconds + 15) * 1000,
    maxBytes: 16_384,
  });
}

async function requirePooler(instance: string, host: ReadonlyHost): Promise<Container> {
  const pooler = await poolerOf(await requireInstance(host, instance), host);
  if (pooler?.state.running !== true)
    throw new ProblemsError('step-refused', `${instance} has no running pooler made by this program.`);
  return pooler;
}

export const poolerPause: Action<Pausing, null> = {
  name: 'pooler.pause',
  description:
    'Pauses the pooler of an instance: its clients wait between transactions. It resumes by itself after two minutes, even if this program has died.',
  params: pausing,
  undoState: z.null(),
  operation: operations['restart-running'],
  endedBy: 'pooler.resume',
  describe: ({ instance }) => `pause the pooler of ${instance}`,
  effect: async ({ instance }) => [
    { object: `clients of the pooler of ${instance}`, before: 'served', after: 'waiting' },
  ],
  prepare: () => Promise.resolve(null),
  isDone: ({ instance }, host) => isPaused(instance, host),
  // Its clients wait until the server has restarted, so write dirty pages first.
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
  description: 'Resumes the pooler of an instance, so that its clients go on.',
  params: pausing,
  undoState: z.null(),
  operation: operations['restart-running'],
  describe: ({ instance }) => `resume the pooler of ${instance}`,
  effect: async ({ instance }) => [
    { object: `clients of the pooler of ${instance}`, before: 'waiting', after: 'served' },
  ],
  prepare: () => Promise.resolve(null),
  isDone: async ({ instance }, host) => !(await isPaused(instance, host)),
  apply: ({ instance }, host) => order('RESUME', instance, host),
  /** The steps before it are undone while clients wait, and the undo of the pause resumes them. */
  undo: ({ instance }, _before, host) => order('PAUSE', instance, host),
  isUndone: ({ instance }, _before, host) => isPaused(instance, host),
};
