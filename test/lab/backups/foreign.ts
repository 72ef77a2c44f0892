import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runContainer } from '../container.ts';
import type { LabInstance } from '../instance.ts';
import { backupFolder } from '../project.ts';
import type { Run } from '../run.ts';

/** Backups in every format, as taken with PostgreSQL's own tools: no fingerprints, no checksums, no metadata. */
export async function takeForeign(instance: LabInstance, otherDatabase: string): Promise<string> {
  const { run, user, password, database } = instance;
  const folder = join(run.folder, 'foreign');
  await mkdir(folder, { recursive: true });
  const script = `
    cd /to
    pg_dump > full.sql
    pg_dump | gzip > full.sql.gz
    pg_dump nosuch 2>/dev/null | gzip > nothing.sql.gz
    pg_dump -Fc -f full.dump
    pg_dump -Fc -Z0 -f stored.dump
    pg_dump -Ft -f full.tar
    pg_dump -Fd -f folder
    pg_dumpall > cluster.sql
    pg_dumpall --globals-only > globals.sql
    pg_dump -Fc -f other.dump ${otherDatabase}
    pg_dump ${otherDatabase} > other.sql
    pg_dump --schema-only > schema.sql
    pg_dump --data-only > data.sql
    pg_dump --clean | zstd -q > clean.sql.zst
    pg_dump -Fc | xz -1 > full.dump.xz
    pg_dump --clean | xz -1 > clean.sql.xz
    pg_basebackup -D base -c fast
    pg_basebackup -D archives -Ft -z -c fast`;
  async function make(postgres: number, command: string): Promise<void> {
    const made = await runContainer(run, {
      image: `problems-lab/postgres:${postgres}`,
      entrypoint: ['bash', '-euc'],
      command: [command],
      env: { PGHOST: '127.0.0.1', PGUSER: user, PGPASSWORD: password, PGDATABASE: database },
      user: '0:0',
      network: `container:${instance.container.id}`,
      binds: [`${folder}:/to`],
    });
    if (made.code !== 0) throw new Error(made.stdout);
  }
  await make(run.postgres, script);
  if (run.postgres < 17) await make(17, 'cd /to; pg_dump > newer.sql; pg_dump -Fc -f newer.dump');
  return folder;
}

/** Copies files of a folder into a separate backup, under the names given. Returns its folder. */
export async function lay(
  run: Run,
  instance: string,
  name: string,
  from: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = backupFolder(run, instance, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [to, source] of Object.entries(files)) await cp(join(from, source), join(folder, to), { recursive: true });
  const metadata = { instance, backup_name: name, type: 'full', status: 'completed' };
  await writeFile(join(folder, 'metadata.json'), JSON.stringify(metadata));
  return folder;
}
