import { planRestore, remediate, rollback, runs as journal, submit } from '../../../src/app/remediation.ts';
import { openBackups } from './open-backups.ts';

/**
 * A process of its own that repairs, or with `back` rolls the newest run back, and ends itself by SIGKILL at the point named
 * last, or as many milliseconds after it as stand behind a plus:
 * `node backup-repair-child.ts <folder> <prefix> <on|back> [point[+ms]] [restore as JSON]`. Prints every point it passed.
 */
const [folder = '', prefix = '', direction = 'on', kill = '', restore = ''] = process.argv.slice(2);
const [killAt, delay = '0'] = kill.split('+');
const points: string[] = [];

const remediation = await openBackups(
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
if (direction === 'back') {
  const [newest] = await journal(remediation);
  const { outcome } = await rollback(remediation, newest?.id ?? '');
  process.stdout.write(JSON.stringify({ points, outcomes: [outcome] }));
} else if (restore !== '') {
  const work = await planRestore(JSON.parse(restore), remediation.session.reader);
  const { outcome } = await submit(remediation, work, { automation: 'auto' });
  process.stdout.write(JSON.stringify({ points, outcomes: [outcome] }));
} else {
  const { runs } = await remediate(remediation, { yes: true });
  process.stdout.write(JSON.stringify({ points, outcomes: runs.map(({ outcome }) => outcome) }));
}
remediation.close();
