import { migrateNow } from './open-migrating.ts';

/** A process of its own that migrates, and ends itself by SIGKILL at a point. Prints every point it passed. */
const { run, request, killAt, delayMs = 0 } = JSON.parse(process.argv[2] ?? '{}');
const points: string[] = [];
const ended = await migrateNow(run, {
  ...request,
  atPoint(name) {
    points.push(name);
    if (name !== killAt) return;
    if (delayMs === 0) process.kill(process.pid, 'SIGKILL');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), delayMs);
  },
});
process.stdout.write(JSON.stringify({ points, ended }));
