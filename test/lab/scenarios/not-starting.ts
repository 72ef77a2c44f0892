import { runHelper } from '../container.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';

/** Servers that end at every start, with data that are sound. */
export const notStarting: Scenario = {
  name: 'not-starting',
  problem: undefined,
  description: 'A power loss has left an empty postmaster.pid, and a config file has settings that the server refuses.',
  async up(run, say) {
    const [crashed, mistyped] = await Promise.all([started(run, 'crashed'), started(run, 'mistyped')]);
    await Promise.all([
      // The clock of the file: a server that is starting now has an empty one for a moment.
      stopAndBreak(
        crashed,
        `: > postmaster.pid; touch -d '10 minutes ago' postmaster.pid; chown 999:999 postmaster.pid`,
      ),
      stopAndBreak(
        mistyped,
        `echo "timezone = 'US/Nowhere'" >> postgresql.conf; echo "work_mem = '4XB'" >> postgresql.auto.conf`,
      ),
    ]);
    say(`${crashed.containerName} and ${mistyped.containerName} do not start`);
  },
};

async function started(run: Run, name: string): Promise<LabInstance> {
  const instance = await startInstance(run, { name, storage: 'volume', host: { RestartPolicy: { Name: 'no' } } });
  await query(instance, 'create table kept as select 1 as one');
  return instance;
}

async function stopAndBreak({ container, run, data = '' }: LabInstance, script: string): Promise<void> {
  await container.stop();
  const { code, stdout } = await runHelper(run, data, `cd /folder; ${script}`);
  if (code !== 0) throw new Error(stdout);
  await container.start();
  await container.wait();
}
