import { startInstance } from '../instance.ts';
import type { Scenario } from '../scenario.ts';

/** Two projects that name the same volume: the lock file of PostgreSQL does not work across containers. */
export const twoServers: Scenario = {
  name: 'two-servers',
  problem: undefined,
  description: 'Two containers run on one data volume.',
  async up(run, say) {
    const shared = await startInstance(run, { name: 'shared', storage: 'volume' });
    const second = await startInstance(run, {
      name: 'second',
      storage: 'volume',
      password: shared.password,
      host: { Binds: [`${shared.data}:/var/lib/postgresql/data`], RestartPolicy: { Name: 'always' } },
    });
    say(`${shared.containerName} and ${second.containerName} run on the volume ${shared.data}`);
  },
};
