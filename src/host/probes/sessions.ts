import { oneLine } from '../../util/text.ts';
import { quoteIdentifier } from '../../util/quote.ts';
import type { ChangingEngine } from '../docker/client.ts';
import type { Container, HelperSpec } from '../docker/types.ts';
import { execIn, runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import type { HeldSessions, HoldRequest } from './types.ts';

/**
 * pgbench opens all sessions before it starts the first script, so all exist at once; each then sleeps. The login comes on
 * standard input. A role takes the session over with SQL, since its password is not known.
 */
const holdSessionsScript = String.raw`
IFS= read -r PGHOST; IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGDATABASE; IFS= read -r PGPASSWORD
IFS= read -r count; IFS= read -r seconds; IFS= read -r role
export PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGCONNECT_TIMEOUT=20 PGAPPNAME=problem-registry LC_ALL=C PGREQUIREAUTH='!password'
{ [ -z "$role" ] || printf 'set session authorization %s;\n' "$role"; printf 'select pg_catalog.pg_sleep(%s);\n' "$seconds"; } |
  pgbench -n -c "$count" -j 4 -t 1 -f -
`;

/** Opens sessions from a helper on the instance's network, and holds them all at once for some seconds. */
export async function holdSessions(
  engine: ChangingEngine,
  credentials: Credentials,
  request: HoldRequest,
): Promise<HeldSessions> {
  const { instance, sessions, seconds, role = '', through } = request;
  const { network, host } = routeTo(through?.container ?? instance.container);
  const login = request.login ?? {
    user: instance.user,
    database: instance.database,
    password: (await credentials.passwords(instance))[0] ?? '',
  };
  const { exitCode, stdout, stderr } = await runHelper(engine, {
    task: 'client',
    image: instance.container.image,
    command: ['sh', '-c', holdSessionsScript],
    stdin: [
      host,
      String(through?.port ?? instance.port),
      login.user,
      request.database ?? login.database,
      login.password,
      String(sessions),
      String(seconds),
      role === '' ? '' : quoteIdentifier(role),
      '',
    ]
      .map(oneLine)
      .join('\n'),
    network,
    timeoutMs: seconds * 1000 + 90_000,
    maxBytes: 64 * 1024,
  });
  const held = Number(/transactions actually processed: (\d+)/.exec(stdout)?.[1] ?? 0);
  return { held, message: exitCode === 0 ? '' : reasonIn(stderr) };
}

/** The route of its clients: a network that it is on, or its own loopback address if it is on none. */
function routeTo(server: Container): { readonly network: NonNullable<HelperSpec['network']>; readonly host: string } {
  const endpoint = server.endpoints.find(({ ipv4 }) => ipv4 !== '');
  return endpoint === undefined
    ? { network: { container: server.id }, host: '127.0.0.1' }
    : { network: { name: endpoint.network }, host: endpoint.ipv4 };
}

/** The first line that gives a reason; the others follow from it. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /FATAL|ERROR|error:/.test(line)) ?? lines[0] ?? 'no message').trim().slice(0, 500);
}

/** Prints a line for each process: its private memory in kB and its title. */
const sessionMemoryScript = String.raw`
for folder in /proc/[0-9]*; do
  memory=$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB$/\1/p' "$folder/status" 2>/dev/null)
  [ -n "$memory" ] && printf '%s %s\n' "$memory" "$(tr '\0' ' ' <"$folder/cmdline" 2>/dev/null)"
done`;

/**
 * Private memory (RssAnon, bytes, ascending) of every process that serves a session. RSS would count shared
 * buffers once for each process. See docs/engineering/memory.md#cost-of-a-connection.
 */
export async function sessionMemory(engine: ChangingEngine, { container }: Instance): Promise<readonly number[]> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['sh', '-c', sessionMemoryScript],
    timeoutMs: 30_000,
    maxBytes: 2 ** 20,
  });
  return stdout
    .split('\n')
    .flatMap((line) => {
      const [, memory = '', title = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
      return servesSession(title) ? [Number(memory) * 1024] : [];
    })
    .sort((a, b) => a - b);
}

/** `postgres: user database [local] idle`, `postgres: cluster: user database 10.0.0.2(40112) SELECT`. */
function servesSession(title: string): boolean {
  return (
    title.startsWith('postgres: ') &&
    !/^postgres: (?:[^ ]+: )?walsender /.test(title) &&
    /\[local\]|\(\d+\)/.test(title)
  );
}
