import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execIn } from '../exec.ts';
import { createInstance, type InstanceSettings, type LabInstance, psql, query, waitReady } from '../instance.ts';
import { noteBackup } from '../scenarios/backup-corruption.ts';

/** What breaks an instance for real, in a second or less. */

const MiB = 2 ** 20;

/** The memory limit of `limited`. */
const limit = 320 * MiB;

/** An instance whose memory can be filled. */
export const limited: Omit<InstanceSettings, 'name'> = {
  storage: 'seeded',
  host: { Memory: limit, MemorySwap: limit, ShmSize: limit },
};

/** An instance whose pages have checksums. */
export const withChecksums: Omit<InstanceSettings, 'name'> = {
  storage: 'seeded',
  container: {
    User: '999:999',
    // At a restart they are there already.
    Entrypoint: ['bash', '-c', 'pg_checksums --enable; exec docker-entrypoint.sh "$@"', 'checksums'],
  },
};

/** A container that does not start, since another one has its port. */
export async function failToStart(name: string, { run, port }: LabInstance): Promise<void> {
  const made = await createInstance(run, {
    name,
    storage: 'seeded',
    ...(port === undefined ? {} : { port }),
    host: { RestartPolicy: { Name: 'no' } },
  });
  await made.container.start().then(
    () => {
      throw new Error(`${name} has started`);
    },
    () => undefined,
  );
}

/** A dump of long ago that does not restore: its index needs a function that pg_restore does not find. */
export async function oldBackup(instance: LabInstance): Promise<void> {
  await query(
    instance,
    `create table places (id int);
     create function shift() returns int language sql immutable as 'select 0';
     create function place(n int) returns int language sql immutable as 'select n + shift()';
     create index places_place on places (place(id));`,
  );
  const { code, stdout, stderr } = await execIn(instance.container, [
    'pg_dump',
    '-U',
    instance.user,
    instance.database,
  ]);
  if (code !== 0) throw new Error(stderr);
  const folder = await noteBackup(instance, '20250727_031000');
  await writeFile(join(folder, 'full.sql'), stdout);
}

/** What made its backups useless. */
export async function dropPlaces(instance: LabInstance): Promise<void> {
  await query(instance, 'drop table places; drop function place(int)');
}

/** Changes a page of a table on disk, and has the server read it. */
export async function damagePage(instance: LabInstance): Promise<void> {
  const [path = ''] = await query(
    instance,
    "create table worn as select n from generate_series(1, 5000) n; checkpoint; select pg_relation_filepath('worn')",
  );
  const damage = `head -c 100 /dev/urandom | dd of="$PGDATA/${path}" bs=1 seek=12000 conv=notrunc status=none`;
  await execIn(instance.container, ['bash', '-c', damage]);
  // Its pages in memory are still sound.
  await instance.container.restart({ t: 5 });
  await waitReady(instance);
  const { stderr } = await psql(instance, 'select count(*) from worn');
  if (!stderr.includes('invalid page')) throw new Error(`the damaged page was read: ${stderr}`);
}

/** A program in its container wants more memory than there is, and the kernel ends it. */
export async function killAtLimit({ container }: LabInstance): Promise<void> {
  await execIn(container, ['bash', '-c', `head -c ${2 * limit} /dev/zero | tail >/dev/null`]);
}

/** Fills the memory up to 92% of the limit, where it stays. */
export async function fillMemory({ container }: LabInstance): Promise<void> {
  const { memory_stats: memory } = await container.stats({ stream: false });
  const inactive = (memory.stats as { total_inactive_file?: number }).total_inactive_file ?? 0;
  const missing = Math.floor(0.92 * limit - (memory.usage - inactive));
  await execIn(container, ['bash', '-c', `head -c ${missing} /dev/zero >/dev/shm/filled`]);
}

export async function freeMemory({ container }: LabInstance): Promise<void> {
  await execIn(container, ['rm', '/dev/shm/filled']);
}
