import { startContainer } from '../container.ts';
import { type LabInstance, query, randomPassword, startInstance } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { eventually } from '../waiting.ts';

const sessions = 97;

/** One process holds all the sessions: pgbench with a script that opens a transaction and then sleeps. */
export const poolExhaustion: Scenario = {
  name: 'pool-exhaustion',
  problem: 'postgres/database-connection-pool-exhaustion',
  description: 'A client holds every ordinary connection slot of an instance, idle in transaction.',
  async up(run, say) {
    const main = await startInstance(run, { name: 'main', storage: 'bind', settings: { max_connections: '100' } });
    await addOrders(main);
    const password = randomPassword();
    await query(main, `create role app login password '${password}'; grant all on orders to app;`);
    say(`${main.containerName} takes ${sessions} ordinary sessions on port ${main.port}`);
    await leakSessions(run, main, password);
    say(
      `${run.prefix}vrooli-orders-worker holds ${sessions} of them inside open transactions; role app, password ${password}`,
    );
  },
};

async function leakSessions(run: Run, instance: LabInstance, password: string): Promise<void> {
  await eventually(120_000, async () => (await sessionTitles(instance)).length === 0);
  await startContainer(run, {
    name: 'vrooli-orders-worker',
    image: `problems-lab/postgres-seeded:${run.postgres}`,
    entrypoint: ['bash', '-c', worker],
    env: {
      PGHOST: instance.containerName,
      PGUSER: 'app',
      PGPASSWORD: password,
      PGDATABASE: instance.database,
      PGAPPNAME: 'orders-worker',
    },
  });
  await eventually(180_000, async () => {
    const titles = await sessionTitles(instance);
    return titles.filter((title) => title.endsWith('idle in transaction')).length === sessions;
  });
}

/** A health check may have a slot when the worker wants the last one: it begins again then, but not once it had them all. */
const worker = `
for attempt in {1..50}; do
  # pgbench counts a sleep in microseconds of 32 bits: a day takes 44 of the longest.
  { echo 'begin;'; echo 'select count(*) from orders;'; printf '\\\\sleep 2000 s\\n%.0s' {1..44}; echo 'commit;'; } > /tmp/leak.sql
  begun=$SECONDS
  pgbench -n -c ${sessions} -t 1 -f /tmp/leak.sql
  [ $((SECONDS - begun)) -gt 5 ] && exit
  sleep 0.2
done`;

/**
 * What the processes of client sessions call themselves. Asking the server would take one of the slots, and a program in the
 * container would cost much more.
 */
async function sessionTitles({ container }: LabInstance): Promise<readonly string[]> {
  const { Processes }: { readonly Processes: readonly (readonly string[])[] } = await container.top();
  const titles = Processes.map((columns) => columns.at(-1) ?? '');
  return titles.filter((title) => /^postgres: .*\[local\]|^postgres: .*\(\d+\)/.test(title));
}
