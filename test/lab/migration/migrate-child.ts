import { type ChildJob, migrateNow } from './open-migrating.ts';

/** What `child` starts. Prints every point it passed, and how it ended. */
const job: ChildJob = JSON.parse(process.argv[2] ?? '{}');
const points: string[] = [];
const ended = await migrateNow(job.where, job.database, {
  ...job.request,
  atPoint(name) {
    points.push(name);
    if (name !== job.killAt) return;
    if (job.delayMs === 0) process.kill(process.pid, 'SIGKILL');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), job.delayMs);
  },
});
process.stdout.write(JSON.stringify({ points, ended }));
