import { remediate } from '../../../src/app/remediation.ts';
import { openPools, quick } from './open-pools.ts';

/**
 * A process of its own that repairs, and ends itself by SIGKILL at the point named last, or as many milliseconds after it
 * as stand behind a plus: `node connection-pool-child.ts <folder> <prefix> [point[+ms]] [settings]`. Prints every point it
 * passed.
 */
const [folder = '', prefix = '', kill = '', settings] = process.argv.slice(2);
const [killAt, delay = '0'] = kill.split('+');
const points: string[] = [];

const remediation = await openPools({ folder, prefix }, settings === undefined ? quick : JSON.parse(settings), {
  atPoint(name) {
    points.push(name);
    if (name !== killAt) return;
    if (delay === '0') process.kill(process.pid, 'SIGKILL');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(delay));
  },
});
const { runs } = await remediate(remediation, { yes: true });
process.stdout.write(JSON.stringify({ points, outcomes: runs.map(({ outcome }) => outcome) }));
remediation.close();
