import { startInstance } from '../instance.ts';
import type { Scenario } from '../scenario.ts';
import { eventually } from '../waiting.ts';

/** Its server is well, and the engine calls it unhealthy. */
export const wrongCheck: Scenario = {
  name: 'wrong-check',
  problem: undefined,
  description: 'The health check of `checked` logs in as a role that does not exist; the server is well.',
  async up(run, say) {
    const { container, containerName } = await startInstance(run, {
      name: 'checked',
      storage: 'seeded',
      container: {
        Healthcheck: {
          Test: ['CMD-SHELL', 'psql -U nobody -d postgres -c "select 1"'],
          Interval: 1e9,
          Timeout: 10e9,
          Retries: 1,
        },
      },
    });
    await eventually(60_000, async () => (await container.inspect()).State.Health?.Status === 'unhealthy');
    say(`${containerName} answers, and is unhealthy`);
  },
};
