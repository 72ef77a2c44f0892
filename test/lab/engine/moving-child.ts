import { remediate } from '../../../src/app/remediation.ts';
import { createEngineClient } from '../engine.ts';
import { holdPort } from '../ports.ts';
import { openPorts } from '../remediators/open-ports.ts';
import { openRun } from '../run.ts';

/**
 * A separate process that moves a running instance away from its port, and ends itself by SIGKILL at a point. With
 * `stealAt` it takes the new port itself at that point, so that the run goes back. Prints every point it passed.
 */
const { settings, state, port, aheadMs, killAt, stealAt } = JSON.parse(process.argv[2] ?? '{}');
const points: string[] = [];

const run = await openRun({ ...settings, docker: createEngineClient() });
const ports = await openPorts(
  run,
  state,
  { reserved: { [String(port)]: 'somebody else' } },
  {
    now: () => new Date(Date.now() + aheadMs),
    async atPoint(name) {
      points.push(name);
      if (name === killAt) process.kill(process.pid, 'SIGKILL');
      if (name !== stealAt) return;
      const [lease] = await ports.session.reader.leases.list();
      await holdPort(lease?.port ?? 0);
    },
  },
);
const { runs } = await remediate(ports, { yes: true });
process.stdout.write(JSON.stringify({ points, outcomes: runs.map(({ outcome }) => outcome) }));
ports.close();
process.exit();
