import { getString } from '../../util/json.ts';
import { oneLine } from '../../util/text.ts';
import { ProblemsError } from '../../errors.ts';
import type { ChangingEngine } from '../docker/client.ts';
import { execIn } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { EndedBackend, ServerProcess } from '../postgres/types.ts';

/**
 * The processes of a server as the kernel shows them within its container: the only way to see them while no session fits.
 * See docs/engineering/connections.md#process-titles.
 */

/** Functions of a pid. A title is one line, whatever role and database are named. */
const readProcess = String.raw`
cd /proc || exit 1
title_of() { tr '\000-\037\177' ' ' <"$1/cmdline" 2>/dev/null | sed 's/ *$//'; }
start_of() { sed 's/.*) //' "$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
user_of() { sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "$1/status" 2>/dev/null; }
last_run_of() { sed -n 's/^se.exec_start *: *\([0-9]*\).*/\1/p' "$1/sched" 2>/dev/null; }
`;

/** One line for each process: pid, start, uid, milliseconds since it ran last or `-`, title. */
const listScript = String.raw`${readProcess}
now=$(last_run_of self)
for pid in [0-9]*; do
  title=$(title_of "$pid")
  case $title in 'postgres: '*) ;; *) continue ;; esac
  last=$(last_run_of "$pid")
  idle=-
  [ "$now" -gt 0 ] 2>/dev/null && [ "$last" -gt 0 ] 2>/dev/null && idle=$((now - last))
  printf '%s %s %s %s %s\n' "$pid" "$(start_of "$pid")" "$(user_of "$pid")" "$idle" "$title"
done
`;

/** Sorted by pid. A process that ends meanwhile is left out. */
export async function serverProcesses(
  engine: ChangingEngine,
  { container }: Instance,
): Promise<readonly ServerProcess[]> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['sh', '-c', listScript],
    timeoutMs: 30_000,
    maxBytes: 2 ** 20,
  });
  return stdout
    .split('\n')
    .flatMap((line) => {
      const match = /^(\d{1,10}) (\d{1,20}) (\d{1,10}) (-|-?\d{1,15}) (postgres: .*)$/.exec(line);
      if (match === null) return [];
      const [, pid, started = '', uid, idle = '-', title = ''] = match;
      const idleMs = idle === '-' ? null : Math.max(0, Number(idle));
      return [{ pid: Number(pid), started, uid: Number(uid), idleMs, title }];
    })
    .sort((a, b) => a.pid - b.pid);
}

/** Answers `sent`, `gone`, or `changed` if the process does something else by now. */
const endScript = String.raw`${readProcess}
IFS= read -r pid; IFS= read -r start; IFS= read -r title
[ "$(start_of "$pid")" = "$start" ] || { echo gone; exit 0; }
[ "$(title_of "$pid")" = "$title" ] || { echo changed; exit 0; }
kill -TERM "$pid" && echo sent
`;

/**
 * Asks one backend to end: SIGTERM, as `pg_terminate_backend` sends it, by the user of the server. The kernel lets that user
 * signal nothing but the server's own processes.
 * @throws ProblemsError `step-refused`: the process may not be signalled.
 */
export async function endBackend(
  engine: ChangingEngine,
  { name, container }: Instance,
  { pid, started, uid, title }: Omit<ServerProcess, 'idleMs'>,
): Promise<EndedBackend> {
  if (uid === 0 || pid < 2 || seesOthers(container))
    throw new ProblemsError(
      'step-refused',
      `Process ${pid} in ${container.name} is not certainly a backend of ${name}.`,
    );
  const { stdout, stderr } = await execIn(engine, container.id, {
    command: ['sh', '-c', endScript],
    user: String(uid),
    stdin: [String(pid), started, title, ''].map(oneLine).join('\n'),
    timeoutMs: 15_000,
    maxBytes: 4_096,
  });
  const [answer] = ['sent', 'gone', 'changed'].filter((word) => stdout.trim() === word);
  if (answer === 'sent' || answer === 'gone' || answer === 'changed') return answer;
  throw new ProblemsError(
    'step-refused',
    `Process ${pid} of ${name} could not be signalled: ${stderr.trim().slice(0, 200)}`,
  );
}

/** It shares the processes of the machine or of another container. */
function seesOthers({ inspect }: Instance['container']): boolean {
  return getString(inspect, 'HostConfig', 'PidMode') !== '';
}
