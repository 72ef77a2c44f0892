import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { remediate, resume } from '../../../src/remediation/index.ts';
import { openFolder } from '../broken-files.ts';

/**
 * A process of its own that repairs a folder, or resumes, and ends itself by SIGKILL at the point named last:
 * `node child.ts <folder> remediate|spoiled|resume [point]`; in a spoiled run somebody else changes the third file
 * after the second step. Prints the outcomes as JSON. With `points` it prints every point.
 */
const [folder = '', what = '', killAt = ''] = process.argv.slice(2);
const points: string[] = [];

const remediation = await openFolder(folder, {
  atPoint(name) {
    points.push(name);
    if (what === 'spoiled' && name === 'step 1 is recorded') writeFileSync(join(folder, 'c.conf'), 'answer = theirs\n');
    if (name === killAt) process.kill(process.pid, 'SIGKILL');
    if (killAt === `hang:${name}`) {
      process.stdout.write('hanging\n');
      return new Promise((resolve) => setTimeout(resolve, 60_000));
    }
    return undefined;
  },
});

try {
  const reports = what === 'resume' ? await resume(remediation) : (await remediate(remediation)).runs;
  process.stdout.write(
    JSON.stringify({ points, outcomes: reports.map(({ outcome, failure }) => ({ outcome, failure })) }),
  );
} catch (error) {
  process.stdout.write(
    JSON.stringify({ points, error: error instanceof Error && 'code' in error ? error.code : String(error) }),
  );
}
remediation.close();
