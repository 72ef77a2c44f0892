import type { ChangingEngine } from '../docker/client.ts';
import type { Container } from '../docker/types.ts';
import { runHelper } from '../exec.ts';
import type { Credentials } from '../postgres/credentials.ts';
import { ownPath } from '../postgres/client.ts';
import type { ReachRequest, ReachResult } from './types.ts';

/** The script is fixed; whom to ask comes on stdin, so that neither name nor password is an argument. */
const script = String.raw`
IFS= read -r PGHOST; IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGDATABASE; IFS= read -r PGPASSWORD; IFS= read -r PGSSLMODE
export PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSSLMODE PGCONNECT_TIMEOUT=4
getent ahosts "$PGHOST" | awk '{print "address " $1}' | sort -u
echo "ready $(pg_isready -t 4 2>&1)"
psql -X -w -q -At -F ' ' -v ON_ERROR_STOP=1 2>&1 <<'SQL' | sed 's/^/sql /'
BEGIN TRANSACTION READ ONLY;
SET LOCAL search_path = ${ownPath}; SET LOCAL statement_timeout = 4000;
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
    command: ['sh', '-c', script],
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

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, '');
}
