import { existsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { approve, remediate, resume, rollback, type RunReport, runs } from '../../../src/app/remediation.ts';
import { openFolder } from '../broken-files.ts';
import { twoFilesPlugin } from '../two-files.ts';

/**
 * A separate process that repairs a folder, or resumes, and ends itself by SIGKILL at the point named last:
 * `node child.ts <folder> remediate|spoiled|resume|rollback|<run to approve> [point]`, or stops at `stop:<point>`; in a spoiled run someone else
 * changes the third file once the second step is recorded, or the first. The newest run is rolled back. Prints the outcomes as JSON, and every point.
 */
const [folder = '', what = '', killAt = ''] = process.argv.slice(2);
const points: string[] = [];

const remediation = await openFolder(folder, {
  ...(existsSync(join(folder, twoFilesPlugin)) ? { remediators: [], plugins: [`./${twoFilesPlugin}`] } : {}),
  atPoint(name) {
    points.push(name);
    const spoilAt = existsSync(join(folder, twoFilesPlugin)) ? 'step 0 is recorded' : 'step 1 is recorded';
    if (what === 'spoiled' && name === spoilAt) writeFileSync(join(folder, 'c.conf'), 'answer = theirs\n');
    if (name === killAt) process.kill(process.pid, 'SIGKILL');
    if (killAt === `stop:${name}`) {
      writeSync(1, 'stopping\n');
      process.kill(process.pid, 'SIGSTOP');
    }
    if (killAt === `hang:${name}`) {
      process.stdout.write('hanging\n');
      return new Promise((resolve) => setTimeout(resolve, 60_000));
    }
    return undefined;
  },
});

try {
  const reports = await reported();
  process.stdout.write(
    JSON.stringify({ points, outcomes: reports.map(({ outcome, failure }) => ({ outcome, failure })) }),
  );
} catch (error) {
  process.stdout.write(
    JSON.stringify({ points, error: error instanceof Error && 'code' in error ? error.code : String(error) }),
  );
}
remediation.close();

async function reported(): Promise<readonly RunReport[]> {
  if (what === 'resume') return resume(remediation);
  if (what === 'rollback') return [await rollback(remediation, (await runs(remediation))[0]?.id ?? '')];
  if (what === 'remediate' || what === 'spoiled') return (await remediate(remediation)).runs;
  return [await approve(remediation, what, 'somebody')];
}
