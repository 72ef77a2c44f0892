import { createServer } from 'node:net';
import { ProblemsError } from '../../errors.ts';
import { getArray, parseJson, getString } from '../../util/json.ts';
import { oneLine, errorCode } from '../../util/text.ts';
import { safePath } from '../../postgres/search-path.ts';
import { type ChangingEngine, jsonOf } from '../docker/client.ts';
import type { Container } from '../docker/types.ts';
import { runHelper } from '../exec.ts';
import { ownLabels, removeHelper } from '../helper-cleanup.ts';
import type { Credentials } from '../postgres/credentials.ts';
import type { HttpAnswer, PortProbe, ReachRequest, ReachResult } from './types.ts';

/** Names and password come on standard input, so that none of them is an argument. */
const reachScript = String.raw`
IFS= read -r PGHOST; IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGDATABASE; IFS= read -r PGPASSWORD; IFS= read -r PGSSLMODE
export PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSSLMODE PGCONNECT_TIMEOUT=4 PGREQUIREAUTH='!password'
echo "asked $PGHOST $PGPORT"
getent ahosts "$PGHOST" | awk '{print "address " $1}' | sort -u
echo "ready $(pg_isready -t 4 2>&1)"
psql -X -w -q -At -F ' ' -v ON_ERROR_STOP=1 2>&1 <<'SQL' | sed 's/^/sql /'
BEGIN TRANSACTION READ ONLY;
SET LOCAL search_path = ${safePath}; SET LOCAL statement_timeout = 4000;
SELECT 'answer', (SELECT system_identifier FROM pg_control_system()), coalesce(host(inet_server_addr()), '-'), current_database();
ROLLBACK;
SQL
`;

/** Uses the DNS and the routes of the client: the helper shares its network namespace. Its image is that of the server. */
export async function reach(
  engine: ChangingEngine,
  credentials: Credentials,
  client: Container,
  request: ReachRequest,
): Promise<ReachResult> {
  const { instance } = request;
  const login = request.login ?? {
    user: instance.user,
    database: instance.database,
    password: (await credentials.passwords(instance))[0] ?? '',
  };
  const { stdout, stderr } = await runHelper(engine, {
    task: 'client',
    image: instance.container.image,
    command: ['sh', '-c', reachScript],
    stdin: [
      request.host,
      String(request.port),
      login.user,
      login.database,
      login.password,
      sslModeOf(login.sslMode),
      '',
    ]
      .map(oneLine)
      .join('\n'),
    network: { container: client.id },
    timeoutMs: 30_000,
    maxBytes: 64 * 1024,
  });
  const lines = stdout.split('\n');
  // Whatever stands behind the engine's address may have swallowed the input, and then nothing was asked.
  if (!lines.includes(`asked ${oneLine(request.host)} ${request.port}`))
    throw new ProblemsError('engine-refused', `The probe in the network of ${client.name} did not run as asked.`);
  const answer = lines.filter((line) => line.startsWith('sql ')).map((line) => line.slice(4));
  const [word, systemIdentifier = '', serverAddress = '', ...database] = answer.join('\n').split(' ');
  return {
    addresses: lines.filter((line) => line.startsWith('address ')).map((line) => line.slice(8)),
    ready: lines.find((line) => line.startsWith('ready '))?.slice(6) ?? '',
    sql:
      word === 'answer'
        ? { ok: true, systemIdentifier, serverAddress, database: database.join(' ') }
        : { ok: false, message: answer.join('\n') || stderr.trim() },
  };
}

function sslModeOf(mode: string | undefined): string {
  if (mode === 'verify-ca' || mode === 'verify-full') return 'require';
  return mode !== undefined && ['disable', 'allow', 'prefer', 'require'].includes(mode) ? mode : 'prefer';
}

/** The image of a server contains no HTTP client, so bash sends the request. Port and path come on standard input. */
const httpGetScript = String.raw`
IFS= read -r port; IFS= read -r path
if exec 3<>"/dev/tcp/127.0.0.1/$port"; then
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$path" >&3
  timeout 20 head -c 16384 <&3
fi
`;

/** Sends the request in the container's network namespace, so that no published port is needed. */
export async function httpGet(
  engine: ChangingEngine,
  client: Container,
  request: { readonly port: number; readonly path: string; readonly image: string },
): Promise<HttpAnswer> {
  const { port, path, image } = request;
  if (!/^\/[\w./-]*$/.test(path)) throw new Error(`Not a URL path: ${path}`);
  const { stdout, stderr } = await runHelper(engine, {
    task: 'client',
    image,
    command: ['bash', '-c', httpGetScript],
    stdin: `${port}\n${path}\n`,
    network: { container: client.id },
    timeoutMs: 30_000,
    maxBytes: 64 * 1024,
  });
  return parseHttpAnswer(stdout) ?? { status: 0, text: stderr.trim().slice(0, 2_000) || 'no answer' };
}

function parseHttpAnswer(answer: string): HttpAnswer | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(answer)?.[1];
  if (status === undefined) return undefined;
  const body = answer.slice(answer.search(/\r?\n\r?\n/)).trim();
  return { status: Number(status), text: body.slice(0, 2_000) };
}

/**
 * Binds each port and listens on it, as Docker does. Connecting would find neither a listener of the other address family nor
 * a client's own port (docs/engineering/ports.md#free-ports). An empty address means both families. On this machine the port
 * is bound directly; elsewhere a container publishes it, which needs an image that is already there.
 */
export async function portsFree(
  engine: ChangingEngine,
  isLocal: boolean,
  ports: readonly { readonly hostIp: string; readonly port: number }[],
): Promise<readonly PortProbe[]> {
  const probes: PortProbe[] = [];
  for (const { hostIp, port } of ports) {
    const reason = isLocal ? await bindLocally(hostIp, port) : await publishRemotely(engine, hostIp, port);
    probes.push({ hostIp, port, free: reason === '', reason });
  }
  return probes;
}

async function bindLocally(hostIp: string, port: number): Promise<string> {
  const addresses = hostIp === '' || hostIp === '::' ? ['0.0.0.0', '::'] : [hostIp];
  for (const address of addresses) {
    const reason = await listen(address, port);
    // A machine without IPv6 publishes on IPv4 only.
    if (reason !== '' && !(address === '::' && hostIp === '' && reason === 'EAFNOSUPPORT')) return reason;
  }
  return '';
}

function listen(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(errorCode(error) || error.message));
    server.listen({ host, port, ipv6Only: true, exclusive: true }, () => server.close(() => resolve('')));
  });
}

async function publishRemotely(engine: ChangingEngine, hostIp: string, port: number): Promise<string> {
  const images = jsonOf(await engine.get({ path: '/images/json' }), 'list images');
  const image = getArray(images)
    .map((one) => getString(one, 'Id'))
    .find((id) => id !== '');
  if (image === undefined) return 'the engine has no image to test it with';
  const created = jsonOf(
    await engine.post({
      path: '/containers/create',
      body: {
        Image: image,
        Entrypoint: ['sleep', '5'],
        Cmd: [],
        Labels: await ownLabels({}),
        ExposedPorts: { '9/tcp': {} },
        HostConfig: {
          PortBindings: { '9/tcp': [{ HostIp: hostIp, HostPort: String(port) }] },
          CapDrop: ['ALL'],
          ReadonlyRootfs: true,
        },
      },
    }),
    'create a helper container',
  );
  const id = getString(created, 'Id');
  try {
    const started = await engine.post({ path: `/containers/${id}/start` });
    return started.status < 400 ? '' : getString(parseJson(started.body.toString()), 'message');
  } finally {
    await removeHelper(engine, id);
  }
}
