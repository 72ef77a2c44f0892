import { execIn } from '../exec.ts';
import { createInstance, type InstanceSettings, type LabInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { eventually } from '../waiting.ts';

/** Servers that are well, and that a client cannot reach as usual. */
export const layouts: Scenario = {
  name: 'layouts',
  problem: undefined,
  description:
    'Nothing: servers that listen on a socket alone, on IPv6 alone, in the network of the machine, behind a strict pg_hba.conf, or on a read-only root.',
  async up(run, say) {
    const shared = await run.takePort();
    const [, , , hardened] = await Promise.all([
      started(run, { name: 'sockets', storage: 'seeded', port: false, settings: { listen_addresses: '' } }),
      started(run, { name: 'six', storage: 'seeded', port: false, settings: { listen_addresses: '::' } }),
      started(run, {
        name: 'host',
        storage: 'seeded',
        port: false,
        settings: { port: String(shared), listen_addresses: '127.0.0.1' },
        host: { NetworkMode: 'host' },
      }),
      started(run, { name: 'hardened', storage: 'seeded', port: false }),
      started(run, {
        name: 'readonly',
        storage: 'volume',
        host: { ReadonlyRootfs: true, Tmpfs: { '/var/run/postgresql': 'mode=1777', '/tmp': '' } },
      }),
    ]);
    await execIn(hardened.container, [
      'sh',
      '-c',
      `echo 'local all all scram-sha-256' >"$PGDATA/pg_hba.conf"; kill -HUP 1`,
    ]);
    say('five servers answer, each in its own way');
  },
};

/** Ready on its socket, which is all that these have in common. */
async function started(run: Run, settings: InstanceSettings): Promise<LabInstance> {
  const instance = await createInstance(run, settings);
  await instance.container.start();
  const port = settings.settings?.['port'] ?? '5432';
  await eventually(60_000, async () => {
    const ask = ['psql', '-p', port, '-U', instance.user, '-d', instance.database, '-Atc', 'select 1'];
    return (await execIn(instance.container, ask).catch(() => undefined))?.stdout.trim() === '1';
  });
  return instance;
}
