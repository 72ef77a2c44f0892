import { rollback, runs as journal } from '../../../src/app/remediation.ts';
import { openRequests, submitWork } from './open-backups.ts';

/**
 * A separate process that carries out a request for backups, and ends itself by SIGKILL at the point named last, or
 * the milliseconds after the plus sign later: `node request-child.ts <folder> <prefix> <settings> [point[+ms]]`. With
 * `rollback` instead of a point it rolls back the newest run.
 */
const [folder = '', prefix = '', settings = '{}', kill = ''] = process.argv.slice(2);
const [killAt, delay = '0'] = kill.split('+');
const points: string[] = [];

const remediation = await openRequests(
  { folder, prefix },
  {
    atPoint(name) {
      points.push(name);
      if (name !== killAt) return;
      if (delay === '0') process.kill(process.pid, 'SIGKILL');
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(delay));
    },
  },
);
const runs =
  kill === 'rollback'
    ? [await rollback(remediation, (await journal(remediation))[0]?.id ?? '')]
    : await submitWork(remediation, JSON.parse(settings));
process.stdout.write(JSON.stringify({ points, outcomes: runs.map(({ outcome }) => outcome) }));
remediation.close();
