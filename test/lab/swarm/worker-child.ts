import { openRemediation } from '../../../src/app/remediation.ts';
import { openSwarm, workOnRepairs } from '../../../src/app/swarm.ts';
import { loadConfig } from '../../../src/config/config.ts';

/** A worker in a process of its own: `node worker-child.ts <folder> <name> [point]` ends itself by SIGKILL at the point. */
const [folder = '', worker = '', killAt = ''] = process.argv.slice(2);

const config = await loadConfig(folder);
const swarm = await openSwarm({ cwd: folder, config });
const remediation = await openRemediation({
  folder,
  config: config.remediation,
  triage: config.triage,
  atPoint(name) {
    if (name === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
await workOnRepairs(swarm, { worker, config, remediation, once: true, lease: 2 });
remediation.close();
swarm.close();
