import { ProblemsError } from '../../errors.ts';
import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';

/** Debian's postgres is 999:999, Alpine's 70:70: the image knows. */
export async function imageUser(
  engine: ChangingEngine,
  image: string,
  user: string,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const script = 'IFS= read -r name; id -u -- "$name" && id -g -- "$name"';
  const { exitCode, stdout, stderr } = await runHelper(engine, {
    image,
    command: ['sh', '-c', script],
    stdin: `${user}\n`,
    user: '65534:65534',
    timeoutMs: 20_000,
    maxBytes: 4_096,
  });
  const [uid = '', gid = ''] = stdout.split('\n');
  if (exitCode !== 0 || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) {
    throw new ProblemsError(
      'engine-refused',
      `The image ${image} does not know the user ${user}: ${stderr.trim().slice(0, 200)}`,
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}
