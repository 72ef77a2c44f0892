import { remediate } from '../../../src/app/remediation.ts';
import { openMemory } from './open-memory.ts';

/**
 * A process of its own that repairs, and ends itself by SIGKILL at the point named last, or as many milliseconds after it
 * as stand behind a plus: `node memory-child.ts <folder> <prefix> <raise> [point[+ms]]`. Prints every point it passed.
 */
const [folder = '', prefix = '', raise = '', kill = ''] = process.argv.slice(2);
const [killAt, delay = '0'] = kill.split('+');
const points: string[] = [];

const remediation = await openMemory({ folder, prefix }, raise === 'never' ? { raise } : {}, {
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
