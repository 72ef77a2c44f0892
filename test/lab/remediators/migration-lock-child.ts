import { remediate } from '../../../src/app/remediation.ts';
import { openMigrations } from './open-migrations.ts';

/** A process of its own that repairs, and ends itself by SIGKILL at a point. Prints every point it passed. */
const [folder = '', prefix = '', point = ''] = process.argv.slice(2);
const [killAt, delay = '0'] = point.split('+');
const points: string[] = [];
const remediation = await openMigrations(
  { folder, prefix },
  {},
  {
    atPoint(name) {
      points.push(name);
      if (name !== killAt) return;
      if (delay === '0') process.kill(process.pid, 'SIGKILL');
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(delay));
    },
  },
);
const { runs } = await remediate(remediation, { yes: true });
process.stdout.write(JSON.stringify({ points, outcomes: runs.map(({ outcome }) => outcome) }));
remediation.close();
