import { oneLine } from '../../util/text.ts';
import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import type { BackupProbe } from './types.ts';

/**
 * The connection comes on stdin, so that neither name nor password is an argument. From PostgreSQL 15 the server itself
 * throws the backup away; an older one sends it here.
 */
const script = String.raw`
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGPASSWORD; IFS= read -r seconds
export PGPORT PGUSER PGPASSWORD PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=4 PGAPPNAME=problem-registry LC_ALL=C
set -- pg_basebackup --checkpoint=fast --wal-method=none --no-password
if pg_basebackup --help | grep -q -e --target; then
  timeout "$seconds" "$@" --target=blackhole
else
  timeout "$seconds" "$@" --pgdata=- --format=tar >/dev/null
fi
`;

/** By pg_basebackup of the server's own image, in the server's network namespace: local rules of pg_hba.conf apply. */
export async function baseBackup(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  { timeoutMs = 120_000 }: { readonly timeoutMs?: number } = {},
): Promise<BackupProbe> {
  const [password = ''] = await credentials.passwords(instance);
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const { exitCode, stderr } = await runHelper(engine, {
    image: instance.container.image,
    command: ['sh', '-c', script],
    stdin: [String(instance.port), instance.user, password, String(seconds), ''].map(oneLine).join('\n'),
    network: { container: instance.container.id },
    user: '65534:65534',
    timeoutMs: seconds * 1000 + 10_000,
    maxBytes: 16_384,
  });
  if (exitCode === 0) return { result: 'done', message: '' };
  // What `timeout` of GNU and of BusyBox say of a command that they had to end.
  if (exitCode === 124 || exitCode === 143) return { result: 'refused', message: `no end within ${seconds} s` };
  return { result: couldNotBegin(stderr) ? 'refused' : 'failed', message: stderr.trim().slice(0, 1_000) };
}

/** A login, a rule or a setting stands in the way: nothing is said about the files. */
function couldNotBegin(message: string): boolean {
  if (message.includes('Permission denied')) return false;
  return /connection to server|no pg_hba\.conf entry|authentication failed|WAL level not sufficient|max_wal_senders|must be superuser|permission denied to (?:start|use)|pg_basebackup: not found/.test(
    message,
  );
}
