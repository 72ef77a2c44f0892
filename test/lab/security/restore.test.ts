import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../../src/app/open-host.ts';
import { restoreInput } from '../../../src/backups/restore-input.ts';
import { restoreScratch, restoreScript } from '../../../src/backups/restore-script.ts';
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
    const bytes = name.endsWith('.gz') ? gzipSync(text, { level: 0 }) : Buffer.from(text);
    await writeFile(join(folder, name), bytes);
    const { changer, reader } = openHost({ roots: [] });
    const { uid, gid } = await reader.probes.imageUser(image, 'postgres');
    await changer.docker.runHelper({
      task: 'prepare-volume',
      image,
      command: ['chown', `${uid}:${gid}`, '/d'],
      labels: { ...run.labels },
      mounts: [{ type: 'volume', source: volume, target: '/d', readonly: false }],
    });
    const part = { kind: name.endsWith('.gz') ? 'plain-gzip' : 'plain', path: name, bytes: bytes.length } as const;
    const dumps = { globals: undefined, parts: [{ part: { ...part, database: null }, database: 'shop' }] };
    const { stdout } = await changer.docker.runHelper({
      task: 'restore-backup',
      image,
      user: `${uid}:${gid}`,
      command: ['bash', '-c', restoreScript],
      stdin: restoreInput({
        data: '/volume',
        target: '',
        role: 'postgres',
        needKiB: 1024,
        password: '',
        folder,
        dumps,
      }),
      scratch: restoreScratch,
      labels: { ...run.labels },
      mounts: [{ type: 'volume', source: volume, target: '/volume', readonly: false }],
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

  it('is read by the user postgres alone, beside whom nothing runs in the container: no process of root, no capability', async () => {
    const volume = await createVolume(run, 'users');
    const each =
      '/^Name/ { n = $2 } /^Uid/ { u = $2 } /^CapEff/ { sub(/^0+$/, "none", $2); c = $2 } /^NoNewPrivs/ { p = $2 } ' +
      'END { print n " " u " " c " " p }';
    const look =
      'CREATE TABLE p (l text);\n' +
      `COPY p FROM PROGRAM $$for one in /proc/[0-9]*/status; do awk '${each}' $one; done 2>/dev/null | sort -u$$;` +
      "\nDO $$ BEGIN RAISE EXCEPTION 'seen %', (SELECT string_agg(l, ', ') FROM p); END $$;\n";
    // It is still unpacked while the first statements run.
    const padding = `-- ${'x'.repeat(100)}\n`.repeat(20_000);
    const lines = await restored(volume, 'looks.sql.gz', `${begin}${look}${padding}`);
    const seen = lines.find((line) => line.includes('seen ')) ?? lines.join('\n');
    for (const program of ['bash', 'gzip', 'psql', 'postgres'])
      expect(seen).toMatch(new RegExp(`\\b${program} (?:70|999) none 1\\b`));
    expect(seen.replace(/^.*seen /, '').split(', ')).toSatisfy((all: readonly string[]) =>
      all.every((one) => / (?:70|999) none 1$/.test(one)),
    );
  });
});
