import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, open, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { systemProgram } from '../../../src/host/system-program.ts';
import { programOf } from '../../../src/backups/unpack-program.ts';
import type { BackupAnswer, BackupLevel } from '../../../src/backups/types.ts';
import { oneOf, soak } from '../../soak.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import { backupFolder } from '../project.ts';
import type { PostgresMajor, Run } from '../run.ts';
import { closeTestRun, labRuns, majors, openTestRun } from '../support.ts';
import { lay, takeForeign } from './foreign.ts';
import { addVariety } from './load.ts';
import { instanceNamed, openRunHost } from './open-backups.ts';

const runs = await labRuns();
const gpg = systemProgram('gpg');

/** `L2 truncated`: the level that finds it, and the cause that it names. */
type Found = `${BackupLevel} ${string}`;

/** On 15, so that the image of 17 is there for the dumps of a newer pg_dump. */
describe.skipIf(!runs).each(majors(15))('a backup of PostgreSQL %i', (postgres: PostgresMajor) => {
  let run: Run;
  let host: OpenHost;
  let source: LabInstance;
  let instance: Instance;
  let foreign: string;
  let ours: string;
  beforeAll(async () => {
    run = await openTestRun({ postgres });
    source = await startInstance(run, {
      name: 'shop',
      storage: 'volume',
      env: { POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=en_US.UTF-8 --data-checksums --no-sync' },
    });
    await query(source, 'create database other');
    await query(source, 'create table apples (id int primary key)', { database: 'other' });
    await query(source, "create role clerk login password 'clerk'");
    await addVariety(source);
    await query(
      source,
      `create table orders (id int primary key, customer text, note text);
       insert into orders select n, 'customer ' || n % 97, md5(n::text) from generate_series(1, 5000) n;
       alter table checked owner to clerk`,
    );
    const key = join(run.folder, 'key');
    await writeFile(key, 'a passphrase', { mode: 0o600 });
    host = openRunHost(run, { backupKeys: { gpg: key } });
    instance = await instanceNamed(host, 'shop');
    foreign = await takeForeign(source, 'other');
    if (gpg !== undefined) encrypt(gpg, join(foreign, 'full.dump'), key);
    await host.changer.backups.take({ instance, name: 'ours', labels: {} });
    ours = backupFolder(run, 'shop', 'ours');
  });
  afterAll(async () => closeTestRun(run));

  async function check(name: string, upTo: BackupLevel): Promise<BackupAnswer> {
    const backup = await host.reader.backups.read(`shop/${name}`);
    if (backup === undefined) throw new Error(`there is no backup ${name}`);
    return host.reader.backups.check(backup, { instance, upTo, withSource: true });
  }

  async function found(name: string, upTo: BackupLevel): Promise<string> {
    const { checks } = await check(name, upTo);
    const bad = checks.find(({ result }) => result === 'failed');
    if (bad !== undefined) return `${bad.level} ${bad.cause}`;
    const unasked = checks
      .filter(({ result }) => result === 'impossible')
      .map(({ level, cause, says }) => `, ${level} ${cause} ${says.join()}`);
    return `nothing up to ${checks.at(-1)?.level}${unasked.join('')}`;
  }

  /** Our backup, without the checksums that would find every later change at L0, so that each level must find it itself. */
  async function unsummed(name: string): Promise<string> {
    const folder = backupFolder(run, 'shop', name);
    await rm(folder, { recursive: true, force: true });
    await cp(ours, folder, { recursive: true });
    await rm(join(folder, 'verification.json'));
    return folder;
  }

  /** Our backup with its checksums. A copy with another name has no proof, so it is checked and recorded first. */
  async function recorded(name: string): Promise<string> {
    const folder = backupFolder(run, 'shop', name);
    await cp(ours, folder, { recursive: true });
    const backup = await host.reader.backups.read(`shop/${name}`);
    if (backup === undefined) throw new Error(`there is no backup ${name}`);
    await host.changer.backups.record(backup, await host.reader.backups.check(backup, { instance, upTo: 'L0' }));
    return folder;
  }

  describe('taken by other means', () => {
    const plainXz: [string, Record<string, string>, BackupLevel] = [
      'plain-xz',
      { 'clean.sql.xz': 'clean.sql.xz' },
      'L4',
    ];
    const sound: readonly [string, Record<string, string>, BackupLevel][] = [
      ['packed', { 'full.sql.gz': 'full.sql.gz', 'globals.sql': 'globals.sql' }, 'L2'],
      ['folder', { folder: 'folder', 'globals.sql': 'globals.sql' }, 'L4'],
      ['cluster', { 'cluster.sql': 'cluster.sql' }, 'L4'],
      ['halves', { 'schema.sql': 'schema.sql', 'data.sql': 'data.sql', 'globals.sql': 'globals.sql' }, 'L4'],
      ['base', { base: 'base' }, 'L5'],
      // Both lack their roles.
      gpg === undefined
        ? ['lacking-roles', { 'full.dump': 'full.dump' }, 'L4']
        : ['encrypted', { 'full.dump.gpg': 'full.dump.gpg' }, 'L4'],
      ['cleaning-zstd', { 'clean.sql.zst': 'clean.sql.zst' }, 'L4'],
    ];
    /** Restored by the same programs as those above. */
    const alike: typeof sound = [
      ['plain', { 'full.sql': 'full.sql', 'globals.sql': 'globals.sql' }, 'L4'],
      ['custom', { 'full.dump': 'full.dump', 'globals.sql': 'globals.sql' }, 'L4'],
      ['tarred', { 'full.tar': 'full.tar', 'globals.sql': 'globals.sql' }, 'L4'],
      ['custom-xz', { 'full.dump.xz': 'full.dump.xz' }, 'L4'],
      ...(programOf('xz') === undefined ? [] : [plainXz]),
    ];
    it.for(soak ? [...sound, ...alike] : sound)('is accepted if it is sound: %s', async ([name, files, upTo]) => {
      await lay(run, 'shop', name, foreign, files);
      expect(await found(name, upTo)).toBe(`nothing up to ${upTo}`);
    });

    it.runIf(postgres === 15)('is accepted if a newer pg_dump made it, with the image of that version', async () => {
      const files = { 'newer.dump': 'newer.dump', ...(soak ? { 'newer.sql': 'newer.sql' } : {}) };
      await lay(run, 'shop', 'newer', foreign, files);
      expect(await found('newer', 'L4')).toBe('nothing up to L4');
    });

    it('is neither good nor bad if it is a part of a database', async () => {
      await lay(run, 'shop', 'rows', foreign, { 'data.dump.sql': 'data.sql' });
      await lay(run, 'shop', 'tables', foreign, { 'schema.sql': 'schema.sql' });
      for (const name of ['rows', 'tables']) {
        const { checks } = await check(name, 'L4');
        expect([name, checks.at(-1)?.result, checks.at(-1)?.cause]).toEqual([name, 'impossible', 'partial']);
      }
    });

    it('is restored from archives, and L3 reports that it could not run', async () => {
      await lay(run, 'shop', 'archives', foreign, { archives: 'archives' });
      const { checks } = await check('archives', 'L4');
      expect(checks.map(({ level, result }) => `${level} ${result}`)).toEqual([
        'L0 passed',
        'L1 passed',
        'L3 impossible',
        'L4 passed',
      ]);
    });
  });

  describe('with damage is reported', () => {
    it.for(oneOf([99, 50, 80]))('truncated at %i %', async (percent) => {
      for (const [kind, file, level] of [
        ['plain', 'full.sql', 'L0'],
        ['custom', 'full.dump', 'L2'],
        ['tar', 'full.tar', 'L0'],
        ['gzip', 'full.sql.gz', 'L0'],
      ] as const) {
        const name = `cut-${kind}-${percent}`;
        const folder = await lay(run, 'shop', name, foreign, { [file]: file });
        const { size } = await stat(join(folder, file));
        await truncate(join(folder, file), Math.floor((size * percent) / 100));
        expect([name, await found(name, 'L3')]).toEqual([name, `${level} truncated`]);
      }
    });

    const damages: readonly [string, Found, (name: string) => Promise<unknown>][] = [
      [
        'cut off at the end of a line',
        'L0 truncated',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.sql': 'full.sql' });
          const text = await readFile(join(folder, 'full.sql'), 'utf8');
          await writeFile(join(folder, 'full.sql'), text.slice(0, text.indexOf('\n', text.indexOf('customer 42')) + 1));
        },
      ],
      [
        'of an empty pipe, packed',
        'L0 empty',
        async (name) => lay(run, 'shop', name, foreign, { 'full.sql.gz': 'nothing.sql.gz' }),
      ],
      [
        'with CRLF, plain',
        'L0 terminal',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.sql': 'full.sql' });
          await rewrite(join(folder, 'full.sql'), withReturns);
        },
      ],
      [
        'with CRLF, custom',
        'L0 terminal',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.dump': 'full.dump' });
          await rewrite(join(folder, 'full.dump'), withReturns);
        },
      ],
      [
        'with a flipped byte, packed',
        'L2 damaged',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.dump': 'full.dump' });
          await flip(join(folder, 'full.dump'), 0.7);
        },
      ],
      [
        'with a flipped byte, ours',
        'L0 changed-since',
        async (name) => {
          const folder = await recorded(name);
          await flip(join(folder, 'full.dump'), 0.7);
        },
      ],
      [
        'with a flipped byte, stored, fingerprints beside it',
        'L4 rows-differ',
        async (name) => {
          const folder = await unsummed(name);
          const bytes = await readFile(join(foreign, 'stored.dump'));
          const at = bytes.indexOf('customer 42');
          bytes[at + 9] = '7'.charCodeAt(0);
          await writeFile(join(folder, 'full.dump'), bytes);
        },
      ],
      [
        'without one of its data files',
        'L2 missing-file',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { folder: 'folder' });
          const largest = await largestOf(join(folder, 'folder'), /^\d+\.dat/);
          await rm(join(folder, 'folder', largest));
        },
      ],
      [
        'of another database, custom',
        'L1 other-database',
        async (name) => lay(run, 'shop', name, foreign, { 'full.dump': 'other.dump' }),
      ],
      [
        'of another database, plain',
        'L4 other-database',
        async (name) => lay(run, 'shop', name, foreign, { 'full.sql': 'other.sql' }),
      ],
      [
        'of which ours lost the roles',
        'L0 missing-file',
        async (name) => {
          const folder = await recorded(name);
          await rm(join(folder, 'globals.sql'));
        },
      ],
      [
        'written over another, plain',
        'L0 clobbered',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.sql': 'full.sql' });
          const [longer, shorter] = [
            await readFile(join(foreign, 'full.sql')),
            await readFile(join(foreign, 'other.sql')),
          ];
          shorter.copy(longer);
          await writeFile(join(folder, 'full.sql'), longer);
        },
      ],
      [
        'written after another into one file, plain',
        'L0 clobbered',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.sql': 'full.sql' });
          await writeFile(
            join(folder, 'full.sql'),
            Buffer.concat([await readFile(join(foreign, 'full.sql')), await readFile(join(foreign, 'full.sql'))]),
          );
        },
      ],
      [
        'written in turns with another, custom',
        'L2 damaged',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.dump': 'full.dump' });
          const [one, two] = [await readFile(join(foreign, 'full.dump')), await readFile(join(foreign, 'stored.dump'))];
          for (let at = 4096; at < one.length; at += 8192) two.copy(one, at, at, Math.min(at + 4096, one.length));
          await writeFile(join(folder, 'full.dump'), one);
        },
      ],
      [
        'that lacks a file of the server',
        'L3 missing-file',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { base: 'base' });
          await rm(join(folder, 'base', await tableFile()));
        },
      ],
      [
        'with a damaged manifest',
        'L3 manifest-damaged',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { base: 'base' });
          await flip(join(folder, 'base', 'backup_manifest'), 0.5);
        },
      ],
      [
        'without its WAL',
        'L3 missing-wal',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { base: 'base' });
          for (const file of await readdir(join(folder, 'base', 'pg_wal')))
            if (/^[0-9A-F]{24}$/.test(file)) await rm(join(folder, 'base', 'pg_wal', file));
        },
      ],
      [
        'without its WAL and without a manifest',
        'L4 missing-wal',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { base: 'base' });
          await rm(join(folder, 'base', 'backup_manifest'));
          for (const file of await readdir(join(folder, 'base', 'pg_wal')))
            if (/^[0-9A-F]{24}$/.test(file)) await rm(join(folder, 'base', 'pg_wal', file));
        },
      ],
      [
        'with a flipped byte in a page',
        'L3 damaged',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { base: 'base' });
          await flip(join(folder, 'base', await tableFile()), 0.5);
        },
      ],
      [
        'with a flipped byte in a page, without a manifest',
        'L4 structure-damaged',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { base: 'base' });
          await rm(join(folder, 'base', 'backup_manifest'));
          await flip(join(folder, 'base', await tableFile()), 0.5);
        },
      ],
      [
        'belongs to another cluster',
        'L3 other-database',
        async (name) => {
          const folder = await unsummed(name);
          const path = join(folder, 'fingerprints.json');
          await rewrite(path, (bytes) =>
            Buffer.from(
              bytes.toString().replace(/"systemIdentifier": "\d+"/, '"systemIdentifier": "7000000000000000001"'),
            ),
          );
        },
      ],
      [
        'that its maker calls failed',
        'L0 reported-failed',
        async (name) => {
          const folder = await lay(run, 'shop', name, foreign, { 'full.sql': 'full.sql' });
          await writeFile(join(folder, 'metadata.json'), JSON.stringify({ status: 'failed' }));
        },
      ],
    ];
    it.for(damages)('%s', async ([what, expected, damage]) => {
      const name = what.replaceAll(/\W+/g, '-');
      await damage(name);
      expect(await found(name, 'L4')).toBe(expected);
    });
  });

  async function tableFile(): Promise<string> {
    return (await query(source, "select pg_relation_filepath('orders')"))[0] ?? '';
  }

  it('cannot be taken from a damaged source, and pg_basebackup says why', async () => {
    const path = await tableFile();
    await query(source, 'checkpoint');
    const damaged = await execIn(
      source.container,
      ['bash', '-c', `printf 'xx' | dd of="$PGDATA/${path}" bs=1 seek=20000 conv=notrunc status=none`],
      { user: 'postgres' },
    );
    expect(damaged.code).toBe(0);
    await expect(host.changer.backups.take({ instance, name: 'of-damaged', labels: {} })).rejects.toThrow(/checksum/);
    const after = await host.reader.backups.read('shop/of-damaged');
    expect(after?.state).toBe('running');
  });
});

async function rewrite(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}

/** As a terminal does: a carriage return before each line feed. */
function withReturns(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}

async function flip(path: string, where: number): Promise<void> {
  const handle = await open(path, 'r+');
  const at = Math.floor((await handle.stat()).size * where);
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
  await handle.write(Buffer.from([(buffer[0] ?? 0) ^ 0x55]), 0, 1, at);
  await handle.close();
}

async function largestOf(folder: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(folder)).filter((name) => pattern.test(name));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return names[sizes.indexOf(Math.max(...sizes))] ?? '';
}

/** Beside itself, with a keyring of its own. */
function encrypt(program: string, file: string, key: string): void {
  const home = mkdtempSync(join(tmpdir(), 'problems-gpg-'));
  const env = { ...process.env, GNUPGHOME: home };
  const args = ['--batch', '--pinentry-mode', 'loopback', '--passphrase-file', key, '--symmetric', file];
  try {
    execFileSync(program, args, { env, stdio: 'ignore' });
    execFileSync('gpgconf', ['--kill', 'gpg-agent'], { env });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
