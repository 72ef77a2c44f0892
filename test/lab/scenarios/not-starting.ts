import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runHelper } from '../container.ts';
import { createInstance, type LabInstance, query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';

/** Servers that end at every start, with data that are sound. */
export const notStarting: Scenario = {
  name: 'not-starting',
  problem: undefined,
  description:
    'A power loss has left an empty postmaster.pid, or one whose process another program has now; config files have settings that the server refuses, a tag has moved to another major version, and an init script has failed half-way.',
  async up(run, say) {
    const [crashed, mistyped] = await Promise.all([
      started(run, 'crashed'),
      started(run, 'mistyped'),
      floated(run),
      reused(run),
      unfinished(run),
    ]);
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
    say(`${crashed.containerName}, ${mistyped.containerName} and two others do not start`);
  },
};

async function started(run: Run, name: string): Promise<LabInstance> {
  const instance = await startInstance(run, { name, storage: 'volume', host: { RestartPolicy: { Name: 'no' } } });
  await query(instance, 'create table kept as select 1 as one');
  return instance;
}

/** Its data was made by the other version of the lab. */
async function floated(run: Run): Promise<void> {
  const settings = { name: 'floated', storage: 'volume', host: { RestartPolicy: { Name: 'no' } } } as const;
  const first = await startInstance(run, {
    ...settings,
    image: `problems-lab/postgres:${run.postgres === 17 ? 15 : 17}`,
  });
  await query(first, 'create table kept as select 1 as one');
  await first.container.stop();
  await first.container.remove();
  const { container } = await createInstance(run, { ...settings, password: first.password });
  await container.start();
  await container.wait();
}

/** The engine starts it again after its init script has failed, as most restart policies have it. */
async function unfinished(run: Run): Promise<void> {
  const folder = join(run.folder, 'init');
  await mkdir(folder);
  await writeFile(
    join(folder, 'tables.sql'),
    'create table kept as select 1 as one;\ncreate table roads (way geometry);\n',
  );
  const { container } = await createInstance(run, {
    name: 'unfinished',
    storage: 'anonymous',
    host: { Binds: [`${folder}:/docker-entrypoint-initdb.d:ro`], RestartPolicy: { Name: 'no' } },
  });
  await container.start();
  await container.wait();
  await container.start();
}

/**
 * After a crash, another program of its image gets the process id of its server first. The first free id of a container varies by a
 * few, so the server gets one above them, and then other programs take all up to that one.
 */
async function reused(run: Run): Promise<void> {
  const script = `
    file=$PGDATA/postmaster.pid last=0
    if [ -s "$file" ]; then
      server=$(head -n 1 "$file")
      until [ "$last" -ge "$server" ]; do sleep 9999 & last=$!; done
    else
      for id in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 0 & done
    fi
    docker-entrypoint.sh postgres & wait $!`;
  const instance = await startInstance(run, {
    name: 'reused',
    storage: 'volume',
    host: { RestartPolicy: { Name: 'no' } },
    container: { User: 'postgres', Entrypoint: ['sh', '-c', script], Cmd: [] },
  });
  await query(instance, 'create table kept as select 1 as one');
  await instance.container.kill();
  await instance.container.start();
  await instance.container.wait();
}

async function stopAndBreak({ container, run, data = '' }: LabInstance, script: string): Promise<void> {
  await container.stop();
  const { code, stdout } = await runHelper(run, data, `cd /folder; ${script}`);
  if (code !== 0) throw new Error(stdout);
  await container.start();
  await container.wait();
}
