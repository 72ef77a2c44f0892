import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import { runContainer } from '../container.ts';
import { demultiplexed, execIn } from '../exec.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import { backupFolder, type BackupMetadata, writeBackupMetadata } from '../project.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';

/** One good backup, and after it four that were reported as complete and are not: each damaged as the record tells. */
export const backupCorruption: Scenario = {
  name: 'backup-corruption',
  problem: 'postgres/instance-data-corruption-during-backup',
  description: 'The four newest backups of an instance do not restore; the instance itself is sound.',
  async up(run, say) {
    const archive = await startInstance(run, { name: 'archive', storage: 'bind' });
    await addOrders(archive, 5000);
    say(`${archive.containerName} has 5000 orders and answers on port ${archive.port}`);

    const dump = await plainDump(archive);
    await writeFile(join(await noteBackup(archive, '20250727_031000'), 'full.sql'), dump);
    say('backup 20250727_031000 is good');

    const cut = dump.slice(0, dump.indexOf('\n', dump.length / 2) + 1);
    await writeFile(join(await noteBackup(archive, '20250728_031000'), 'full.sql'), cut);
    say('backup 20250728_031000 was cut off in the middle of a table, at the end of a line');

    const custom = await customDump(archive, false);
    await writeFile(
      join(await noteBackup(archive, '20250729_031000'), 'full.dump'),
      custom.subarray(0, custom.length / 2),
    );
    say('backup 20250729_031000 is half of a dump in the custom format');

    await writeFile(join(await noteBackup(archive, '20250730_031000'), 'full.dump'), await customDump(archive, true));
    say('backup 20250730_031000 went through a terminal, which turned LF into CRLF');

    await copyRunningServer(run, archive, await noteBackup(archive, '20250731_031000'));
    say('backup 20250731_031000 is a copy of the data directory, taken while the server was writing');
  },
};

/** Writes the metadata of a backup that is named after its time. Returns its folder. */
export async function noteBackup(instance: LabInstance, name: string): Promise<string> {
  const [version = ''] = await query(instance, 'show server_version');
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)$/.exec(name) ?? [];
  const at = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  const metadata: BackupMetadata = {
    instance: instance.name,
    backup_name: name,
    type: 'full',
    status: 'completed',
    created: at,
    completed: at,
    postgres_version: version,
    instance_config: { port: instance.port ?? 5432, template: 'development' },
  };
  return writeBackupMetadata(instance.run, metadata);
}

async function plainDump(instance: LabInstance): Promise<string> {
  const dumped = await execIn(instance.container, ['pg_dump', '-U', instance.user, instance.database]);
  if (dumped.code !== 0) throw new Error(dumped.stderr);
  return dumped.stdout;
}

/** In the custom format; through a terminal it is what `docker exec -t` makes of it. */
async function customDump(instance: LabInstance, terminal: boolean): Promise<Buffer> {
  const command = ['pg_dump', '-Fc', '-U', instance.user, instance.database];
  const exec = await instance.container.exec({ Cmd: command, AttachStdout: true, Tty: terminal });
  const output = await buffer(await exec.start({ Tty: terminal }));
  return terminal ? output : demultiplexed(output);
}

/**
 * The control file is copied first and everything else last, as a slow copy would have it; meanwhile the server writes
 * and recycles the log that the control file points to.
 */
async function copyRunningServer(run: Run, instance: LabInstance, folder: string): Promise<void> {
  await execIn(instance.container, ['bash', '-c', 'cp "$PGDATA/global/pg_control" /tmp/']);
  for (let round = 0; round < 4; round += 1) {
    await query(instance, 'update orders set amount = amount; select pg_switch_wal(); checkpoint;');
  }
  const early = await instance.container.getArchive({ path: '/tmp/pg_control' });
  const control = await buffer(early);
  const copied = await runContainer(run, {
    image: `problems-lab/postgres-seeded:${run.postgres}`,
    entrypoint: ['bash', '-euc'],
    command: [
      'cp -a /source/. /backup/data; printf %s "$CONTROL" | base64 -d | tar -x --no-same-owner -C /backup/data/global',
    ],
    env: { CONTROL: control.toString('base64') },
    user: '0:0',
    network: 'none',
    binds: [`${instance.data}:/source:ro`, `${folder}:/backup`],
  });
  if (copied.code !== 0) throw new Error(copied.stdout);
}

/** The folders of the scenario's backups, by what is wrong with each, oldest first. */
export function backupsOf(run: Run): Readonly<Record<'good' | 'cut' | 'half' | 'terminal' | 'copied', string>> {
  return {
    good: backupFolder(run, 'archive', '20250727_031000'),
    cut: backupFolder(run, 'archive', '20250728_031000'),
    half: backupFolder(run, 'archive', '20250729_031000'),
    terminal: backupFolder(run, 'archive', '20250730_031000'),
    copied: backupFolder(run, 'archive', '20250731_031000'),
  };
}
