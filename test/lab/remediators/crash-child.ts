import {
  planRestore,
  remediate,
  resume,
  rollback,
  type RunReport,
  runs as journal,
  submit,
} from '../../../src/app/remediation.ts';
import type { ProcessJob } from './crash.ts';
import { openers } from './open-remediator.ts';

/** What `begin` in crash.ts starts. Prints every point that it passed, and how its runs ended. */
const job: ProcessJob = JSON.parse(process.argv[2] ?? '');
const [killAt, delayMs = '0'] = (job.killAt ?? '').split('+');
const points: string[] = [];

const remediation = await openers[job.remediator](job.run, job.settings ?? {}, {
  ...job.options,
  atPoint(name) {
    points.push(name);
    if (name !== killAt) return;
    if (delayMs === '0') process.kill(process.pid, 'SIGKILL');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(delayMs));
  },
});
const reports = await perform();
process.stdout.write(JSON.stringify({ points, outcomes: reports.map(({ outcome }) => outcome) }));
remediation.close();

async function perform(): Promise<readonly RunReport[]> {
  if (job.restore !== undefined) {
    const work = await planRestore(job.restore, remediation.session.reader);
    return [await submit(remediation, work, { automation: 'auto' })];
  }
  switch (job.action) {
    case 'resume':
      return resume(remediation);
    case 'rollback':
      return [await rollback(remediation, (await journal(remediation))[0]?.id ?? '')];
    default:
      return (await remediate(remediation, { yes: true })).runs;
  }
}
