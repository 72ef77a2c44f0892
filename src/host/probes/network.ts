import { createServer } from 'node:net';
import { getArray, parseJson, getString } from '../../util/json.ts';
import { oneLine, errorCode } from '../../util/text.ts';
import { safePath } from '../../postgres/search-path.ts';
import { type ChangingEngine, jsonOf } from '../docker/client.ts';
import { helperLabel } from '../docker/shapes.ts';
import type { Container } from '../docker/types.ts';
import { runHelper } from '../exec.ts';
import type { Credentials } from '../postgres/credentials.ts';
import type { PageResult, PortProbe, ReachRequest, ReachResult } from './types.ts';

/** The script is fixed; whom to ask comes on stdin, so that neither name nor password is an argument. */
const networkScript = String.raw`
IFS= read -r PGHOST; IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGDATABASE; IFS= read -r PGPASSWORD; IFS= read -r PGSSLMODE
export PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSSLMODE PGCONNECT_TIMEOUT=4
getent ahosts "$PGHOST" | awk '{print "address " $1}' | sort -u
echo "ready $(pg_isready -t 4 2>&1)"
psql -X -w -q -At -F ' ' -v ON_ERROR_STOP=1 2>&1 <<'SQL' | sed 's/^/sql /'
BEGIN TRANSACTION READ ONLY;
SET LOCAL search_path = ${safePath}; SET LOCAL statement_timeout = 4000;
SELECT 'answer', (SELECT system_identifier FROM pg_control_system()), coalesce(host(inet_server_addr()), '-'), current_database();
ROLLBACK;
SQL
`;

/** DNS, route and login as the client has them: the helper shares the client's network namespace, its image is the server's. */
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
    image: instance.container.image,
    command: ['sh', '-c', networkScript],
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
    user: '65534:65534',
    timeoutMs: 30_000,
    maxBytes: 64 * 1024,
  });
  const lines = stdout.split('\n');
  const said = lines.filter((line) => line.startsWith('sql ')).map((line) => line.slice(4));
  const [word, systemIdentifier = '', serverAddress = '', ...database] = said.join('\n').split(' ');
  return {
    addresses: lines.filter((line) => line.startsWith('address ')).map((line) => line.slice(8)),
    ready: lines.find((line) => line.startsWith('ready '))?.slice(6) ?? '',
    sql:
      word === 'answer'
        ? { ok: true, systemIdentifier, serverAddress, database: database.join(' ') }
        : { ok: false, message: said.join('\n') || stderr.trim() },
  };
}

function sslModeOf(mode: string | undefined): string {
  if (mode === 'verify-ca' || mode === 'verify-full') return 'require';
  return mode !== undefined && ['disable', 'allow', 'prefer', 'require'].includes(mode) ? mode : 'prefer';
}

/** A server's image holds no HTTP client, so bash speaks: the script is fixed, port and path come on stdin. */
const pageScript = String.raw`
IFS= read -r port; IFS= read -r path
if exec 3<>"/dev/tcp/127.0.0.1/$port"; then
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$path" >&3
  timeout 20 head -c 16384 <&3
fi
`;

/** What the program of a container answers to people, from its own network namespace: no published port is needed. */
export async function page(
  engine: ChangingEngine,
  client: Container,
  request: { readonly port: number; readonly path: string; readonly image: string },
): Promise<PageResult> {
  const { port, path, image } = request;
  if (!/^\/[\w./-]*$/.test(path)) throw new Error(`${path} is no path of a page.`);
  const { stdout, stderr } = await runHelper(engine, {
    image,
    command: ['bash', '-c', pageScript],
    stdin: `${port}\n${path}\n`,
    network: { container: client.id },
    user: '65534:65534',
    timeoutMs: 30_000,
    maxBytes: 64 * 1024,
  });
  return pageIn(stdout) ?? { status: 0, text: stderr.trim().slice(0, 2_000) || 'no answer' };
}

function pageIn(answer: string): PageResult | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(answer)?.[1];
  if (status === undefined) return undefined;
  const body = answer.slice(answer.search(/\r?\n\r?\n/)).trim();
  return { status: Number(status), text: body.slice(0, 2_000) };
}

/**
 * Whether a port can be bound and listened on, as Docker does it: a scan by connecting sees neither a listener of the
 * other family nor a client's own port (docs/engineering/ports.md#free-ports). An empty address is both families. On
 * this machine the port is tried here; elsewhere by a container that publishes it, which needs an image that is already
 * there.
 */
export async function portsFree(
  engine: ChangingEngine,
  boundHere: boolean,
  ports: readonly { readonly hostIp: string; readonly port: number }[],
): Promise<readonly PortProbe[]> {
  const probes: PortProbe[] = [];
  for (const { hostIp, port } of ports) {
    const reason = boundHere ? await tryHere(hostIp, port) : await tryThere(engine, hostIp, port);
    probes.push({ hostIp, port, free: reason === '', reason });
  }
  return probes;
}

async function tryHere(hostIp: string, port: number): Promise<string> {
  const addresses = hostIp === '' || hostIp === '::' ? ['0.0.0.0', '::'] : [hostIp];
  for (const address of addresses) {
    const reason = await listen(address, port);
    // A machine without IPv6 publishes on IPv4 alone.
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

async function tryThere(engine: ChangingEngine, hostIp: string, port: number): Promise<string> {
  const images = jsonOf(await engine.get({ path: '/images/json' }), 'list images');
  const image = getArray(images)
    .map((one) => getString(one, 'Id'))
    .find((id) => id !== '');
  if (image === undefined) return 'no image to try it with';
  const created = jsonOf(
    await engine.post({
      path: '/containers/create',
      body: {
        Image: image,
        Entrypoint: ['sleep', '5'],
        Cmd: [],
        Labels: { [helperLabel]: '1' },
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
    await engine.delete({ path: `/containers/${id}`, query: { force: '1', v: '1' } });
  }
}
