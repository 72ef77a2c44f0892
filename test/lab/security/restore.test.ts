import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../../src/app/open-host.ts';
import { restoreScript } from '../../../src/backups/restore-script.ts';
import { execIn } from '../exec.ts';
import { createVolume, type Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';

const begin = '--\n-- PostgreSQL database dump\n--\n\n';

describe.skipIf(!(await labRuns()))('the restore of a hostile dump', { timeout: 240_000 }, () => {
  let run: Run;
  let image: string;
  let folder: string;
  beforeAll(async () => {
    run = await openTestRun({ postgres: 15 });
    image = (await run.docker.getImage('problems-lab/postgres:15').inspect()).Id;
    folder = await mkdtemp(join(tmpdir(), 'problems-restore-'));
  });
  afterAll(async () => {
    await closeTestRun(run);
    await rm(folder, { recursive: true, force: true });
  });

  /** What `backups restore` runs, for a dump with this text. */
  async function restored(volume: string, name: string, text: string): Promise<readonly string[]> {
    await writeFile(join(folder, name), name.endsWith('.gz') ? gzipSync(text, { level: 0 }) : text);
    const sort = name.endsWith('.gz') ? 'plain-gzip' : 'plain';
    const input = ['/volume', 'dumps', '', '', 'postgres', '1024', '', '', sort, name, 'shop'];
    const { stdout } = await openHost({ roots: [] }).changer.docker.runHelper({
      task: 'restore-backup',
      image,
      command: ['bash', '-c', restoreScript],
      stdin: `${input.join('\n')}\n`,
      scratch: '/scratch',
      labels: { ...run.labels },
      mounts: [
        { type: 'bind', source: folder, target: '/backup', readonly: true },
        { type: 'volume', source: volume, target: '/volume', readonly: false },
      ],
      timeoutMs: 180_000,
    });
    return stdout.trim().split('\n');
  }

  it('is stopped before the disk is full, and what it has written is removed', async () => {
    const volume = `${run.prefix}small`;
    await run.docker.createVolume({
      Name: volume,
      Labels: run.labels,
      Driver: 'local',
      DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=300m' },
    });
    // Keeps the file system, which goes away with its last container.
    const keeper = await run.docker.createContainer({
      Image: image,
      Entrypoint: ['sleep', '300'],
      Labels: run.labels,
      HostConfig: { Mounts: [{ Type: 'volume', Source: volume, Target: '/volume' }], NetworkMode: 'none' },
    });
    await keeper.start();
    // Without an end, and slowly enough for a disk as small as this: its twentieth is full within a second.
    const grows =
      'CREATE TABLE t (x text);\n' +
      'DO $$ BEGIN LOOP INSERT INTO t SELECT repeat(md5(n::text), 60) FROM generate_series(1, 500) n; ' +
      'PERFORM pg_sleep(0.05); END LOOP; END $$;\n';
    const lines = await restored(volume, 'grows.sql', `${begin}${grows}`);
    expect(lines).toContain(`full ${Math.floor((300 * 1024) / 20)}`);
    expect(lines).not.toContain('over');
    expect((await execIn(keeper, ['ls', '-A', '/volume'])).stdout.trim()).toBe('restoring');
    await keeper.remove({ force: true });
  });

  it('is read by the user postgres alone: by the program that unpacks it, and by psql', async () => {
    const volume = await createVolume(run, 'users');
    const look =
      'CREATE TABLE p (l text);\n' +
      "COPY p FROM PROGRAM $$for one in /proc/[0-9]*/status; do echo $(grep -E '^(Name|Uid):' $one); done | grep -E 'gzip|psql'$$;\n" +
      "DO $$ BEGIN RAISE EXCEPTION 'seen %', (SELECT string_agg(l, ' ') FROM p); END $$;\n";
    // It is still unpacked while the first statements run.
    const padding = `-- ${'x'.repeat(100)}\n`.repeat(20_000);
    const lines = await restored(volume, 'looks.sql.gz', `${begin}${look}${padding}`);
    const seen = lines.find((line) => line.includes('seen ')) ?? lines.join('\n');
    for (const program of ['gzip', 'psql']) expect(seen).toMatch(new RegExp(`Name: ${program} Uid: (?:70|999) `));
    expect(seen).not.toMatch(/Name: (?:gzip|psql) Uid: 0 /);
  });
});
