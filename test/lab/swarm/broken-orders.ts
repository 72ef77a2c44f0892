import { setTimeout as sleep } from 'node:timers/promises';
import { runHelper } from '../container.ts';
import { createInstance, psql } from '../instance.ts';
import { createVolume, type Run } from '../run.ts';
import { eventually } from '../waiting.ts';

/** An instance that does not start, since its files belong to root, and the registry that says so. */

export const registry = `# Problems

<!-- EMBED:ACTIVEPROBLEM:START -->
### Wrong volume ownership of orders
**Status:** [active]
**Severity:** [critical]
**Frequency:** [constant]
**Impact:** [system_down]
**Last Occurrence:** 2025-08-14

#### Description
PostgreSQL of orders cannot read its data directory.

#### Investigation Status
- **Root Cause:** A restore ran as root.
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

export const task = 'resolution-root--wrong-volume-ownership-of-orders';

/** Makes the instance `orders` with 1,000 rows and takes its files away. Returns the name of its volume. */
export async function breakOrders(run: Run): Promise<string> {
  const volume = await createVolume(run, 'data');
  const host = { Binds: [`${volume}:/var/lib/postgresql/seeded`] };
  const first = await createInstance(run, { name: 'orders', storage: 'seeded', host });
  await first.container.start();
  // By programs in its container: it may be in another network.
  await eventually(60_000, async () => {
    const { code } = await psql(first, 'create table orders as select n from generate_series(1, 1000) as n');
    return code === 0;
  });
  await first.container.stop();
  await first.container.remove({ force: true });
  await runHelper(run, volume, 'chown -R 0:0 /folder && chmod 0755 /folder');
  const { container } = await createInstance(run, {
    name: 'orders',
    storage: 'seeded',
    container: { User: '999:999' },
    host: { ...host, RestartPolicy: { Name: 'no' } },
  });
  await container.start();
  await eventually(20_000, async () => (await container.inspect()).State.Status === 'exited');
  return volume;
}

/** Counts the servers on a volume until it is asked for the most that it has seen. */
export function watchServers({ docker }: Run, volume: string) {
  const over = new AbortController();
  async function watch(): Promise<number> {
    let most = 0;
    while (!over.signal.aborted) {
      const found = await docker.listContainers({ filters: JSON.stringify({ volume: [volume], status: ['running'] }) });
      most = Math.max(most, found.filter(({ Labels }) => !('problems.helper' in Labels)).length);
      await sleep(100);
    }
    return most;
  }
  const watching = watch();
  // Of a test that has failed nobody asks.
  watching.catch(() => undefined);
  return {
    async most(): Promise<number> {
      over.abort();
      return watching;
    },
  };
}
