/**
 * `npm run bench:fleet -- counts`: what one `problems detect` asks for, for each of some healthy instances: requests to the
 * Docker Engine, counted by a proxy before its socket, and sessions of the servers, counted by the servers themselves. These
 * figures do not depend on the load of the machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededCredentials } from '../test/lab/images/recipe.ts';
import { countRequests, type EngineCounts } from './engine-counts.ts';

export interface FleetCounts extends EngineCounts {
  /** Connections to the servers, those of psql in a container included. */
  sessions: number;
}

/** The counts of one `problems detect`, of all instances together. `docker` runs Docker's command and returns its output. */
export async function countDetect(
  program: string,
  folder: string,
  names: readonly string[],
  docker: (...args: readonly string[]) => string,
): Promise<FleetCounts> {
  const { user, password, database } = seededCredentials;
  const question = 'select sum(sessions) from pg_stat_database';
  function sessions(): number {
    return names.reduce((sum, name) => {
      const as = [
        'exec',
        '--env',
        `PGPASSWORD=${password}`,
        name,
        'psql',
        '-h',
        '127.0.0.1',
        '-U',
        user,
        '-d',
        database,
      ];
      return sum + Number(docker(...as, '-Atc', question));
    }, 0);
  }
  const proxy = await countRequests(join(folder, 'engine.sock'));
  try {
    const before = sessions();
    const chosen = names.flatMap((name) => ['--instance', name.replace('vrooli-postgres-', '')]);
    const child = spawn(process.execPath, [program, 'detect', ...chosen], {
      cwd: folder,
      env: { ...process.env, DOCKER_HOST: `unix://${proxy.socket}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [status] = await once(child, 'exit');
    // 1: something was found.
    if (status !== 0 && status !== 1) throw new Error(`problems detect ended with ${status}`);
    const counts = proxy.counts();
    // A server counts a session when its statistics are flushed, at its end at the latest.
    await sleep(1_500);
    // The second count is a session of each server too.
    return { ...counts, sessions: sessions() - before - names.length };
  } finally {
    proxy.close();
  }
}
