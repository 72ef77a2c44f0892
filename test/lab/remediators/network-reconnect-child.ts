import { remediate, resume } from '../../../src/app/remediation.ts';
import { openNetworks } from './open-networks.ts';

/**
 * A process of its own that remediates one instance, or resumes, and ends itself by SIGKILL at the point named last:
 * `node network-reconnect-child.ts <folder> <prefix> <state> <instance> <network> remediate|resume [point]`. Prints
 * points and outcomes as JSON.
 */
const [folder = '', prefix = '', state = '', instance = '', network = '', what = '', killAt = ''] =
  process.argv.slice(2);
const points: string[] = [];

const networks = await openNetworks({ folder, prefix }, state, {
  instances: [instance],
  sharedNetworks: [network],
  atPoint(name) {
    points.push(name);
    if (name === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
const runs = what === 'resume' ? await resume(networks) : (await remediate(networks, { yes: true })).runs;
process.stdout.write(JSON.stringify({ points, outcomes: runs.map(({ outcome }) => outcome) }));
networks.close();
