import { randomUUID } from 'node:crypto';
import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import { ownOption } from '../postgres/client.ts';
import type { DatabaseProbe } from './types.ts';

/**
 * Connection, names and a word that separates come on stdin: none of them is an argument. Of each answer the end is kept,
 * with the exit status behind it.
 */
const script = String.raw`
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGPASSWORD; IFS= read -r seconds; IFS= read -r word
export PGPORT PGUSER PGPASSWORD PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=15 PGAPPNAME=problem-registry LC_ALL=C
export PGOPTIONS='-c search_path=${ownOption} -c lock_timeout=2000'
until=$(($(date +%s) + seconds))
number=0
while IFS= read -r PGDATABASE; do
  export PGDATABASE
  left=$((until - $(date +%s)))
  printf '%s %s\n' "$word" "$number"
  if [ "$left" -gt 0 ]; then
    { timeout "$left" "$@" </dev/null 2>&1; printf '\n%s exit %s\n' "$word" $?; } | tail -c 4096
  fi
  number=$((number + 1))
done
`;

/**
 * Runs one program of the server's own image on one database after the other, in the server's network namespace. The time
 * is for all of them; one that was not reached, or not ended, has no exit status.
 */
export async function onEachDatabase(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  databases: readonly string[],
  program: readonly string[],
  timeoutMs: number,
): Promise<readonly DatabaseProbe[]> {
  // libpq would take such a name for a connection string, and connect elsewhere.
  const asked = databases.filter((name) => !/[=\r\n\0]|^postgres(?:ql)?:/.test(name));
  const [password = ''] = await credentials.passwords(instance);
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const word = randomUUID();
  const { stdout } = await runHelper(engine, {
    image: instance.container.image,
    command: ['sh', '-c', script, 'sh', ...program],
    stdin: [...[String(instance.port), instance.user, password, String(seconds), word].map(oneLine), ...asked, ''].join(
      '\n',
    ),
    network: { container: instance.container.id },
    user: '65534:65534',
    timeoutMs: seconds * 1000 + 10_000,
    maxBytes: 4 * 2 ** 20,
  });
  return databases.map((database) => {
    const number = asked.indexOf(database);
    const part = number === -1 ? '' : (stdout.split(`${word} ${number}\n`)[1]?.split(/^\S{36} \d+$/m)[0] ?? '');
    const [text = '', status] = part.split(`\n${word} exit `);
    const exitCode = status === undefined ? undefined : Number.parseInt(status, 10);
    // What `timeout` of GNU and of BusyBox say of a command that they had to end.
    const ended = exitCode !== undefined && exitCode !== 124 && exitCode !== 143;
    return { database, ...(ended ? { exitCode } : {}), text: text.trim() };
  });
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, '');
}
