import { spawnSync } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { filesLevel } from '../../src/backups/levels/files.ts';
import { readBackup } from '../../src/backups/inventory.ts';
import { packingOf, unpackCommand } from '../../src/backups/packing.ts';
import { programOf, unpackProgram } from '../../src/backups/unpack-program.ts';

const plain = '--\n-- PostgreSQL database dump\n--\n\n--\n-- PostgreSQL database dump complete\n--\n\n';
const never = new AbortController().signal;

/** The first bytes that the programs write; the rest does not matter before it is unpacked. */
const xz = Buffer.from('fd377a585a000004', 'hex');
const bzip2 = Buffer.from('425a68393141592653598a', 'hex');
const lz4 = Buffer.from('04224d1864', 'hex');
const age = Buffer.from('age-encryption.org/v1\n-> X25519 abc\n');
const pgp = Buffer.from('8c0d040903028a', 'hex');

let folder = '';
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'problems-packing-')));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** The part, and what L0 says about it. */
async function seen(name: string, bytes: Uint8Array | string): Promise<string> {
  await writeFile(join(folder, name), bytes);
  const backup = await readBackup(folder, 'shop', 'one', 'lies');
  const { observations } = await filesLevel(backup, undefined, never);
  const [part] = backup.parts;
  const { result, cause } = observations.findLast((one) => one.result !== 'passed') ?? { result: 'passed' };
  return `${part?.kind ?? 'nothing'} ${part?.packing ?? ''}: ${result} ${cause ?? ''}`.trim();
}

describe('a backup in a wrapping', () => {
  it.for([
    ['plain SQL in gzip', 'shop.sql.gz', gzipSync(plain), 'plain-gzip : passed'],
    ['plain SQL in zstd', 'shop.sql.zst', zstdCompressSync(plain), 'plain zstd: passed'],
    [
      'plain SQL in zstd that was cut',
      'shop.sql.zst',
      zstdCompressSync(plain).subarray(0, -6),
      'plain zstd: failed truncated',
    ],
    ['a custom dump in gzip', 'shop.dump.gz', gzipSync('PGDMP\u0001\u000e\u0000'), 'custom gzip: passed'],
    [
      'a custom dump in zstd, whatever it is called',
      'monday',
      zstdCompressSync('PGDMP\u0001\u000e'),
      'custom zstd: passed',
    ],
    [
      'pg_dumpall in zstd',
      'all.zst',
      zstdCompressSync(plain.replaceAll('database', 'database cluster')),
      'cluster zstd: passed',
    ],
    ['a custom dump in xz, which is read in the image', 'shop.dump.xz', xz, 'custom xz: passed'],
    ['something in xz', 'shop.xz', xz, 'unknown xz: impossible not-supported'],
    ['what age has encrypted', 'shop.sql.age', age, 'unknown age: impossible encrypted'],
    ['what gpg has encrypted', 'shop.sql.gz.gpg', pgp, 'unknown gpg: impossible encrypted'],
    ['what openssl has encrypted', 'shop.dump.enc', 'Salted__12345678', 'unknown openssl: impossible encrypted'],
    ['files of no known format', 'shop.bin', 'anything', 'nothing : impossible not-supported'],
    ['a complete gzip of nothing', 'shop.sql.gz', gzipSync(''), 'plain-gzip : failed empty'],
    ['a file without bytes', 'shop.sql.zst', '', 'nothing : failed empty'],
  ] as const)('is recognized: %s', async ([, name, bytes, expected]) => {
    expect(await seen(name, bytes)).toBe(expected);
  });

  it.for([
    ['xz', 'shop.sql.xz', xz],
    ['bzip2', 'shop.sql.bz2', bzip2],
    ['lz4', 'shop.sql.lz4', lz4],
  ] as const)(
    'is not proven if it is plain SQL in %s and the program is not installed',
    async ([program, name, bytes]) => {
      vi.stubEnv('PATH', `${folder}:relative:`);
      expect(await seen(name, bytes)).toBe(`plain ${program}: impossible not-supported`);
    },
  );

  describe.for([
    ['xz', 'xz'],
    ['bzip2', 'bz2'],
    ['lz4', 'lz4'],
  ] as const)('%s', ([program, ending]) => {
    const isInstalled = programOf(program) !== undefined;
    const packed = (text: string): Buffer => spawnSync(program, ['-c'], { input: text, maxBuffer: 2 ** 26 }).stdout;

    it.runIf(isInstalled)('is unpacked by its program: whole, of any kind, cut off, damaged', async () => {
      const rows = Array.from({ length: 20_000 }, (_, n) => `-- ${n} ${(n * 7_919) % 100_003}\n`).join('');
      const whole = packed(plain.replace('dump\n--\n\n', `dump\n--\n\n${rows}`));
      const damaged = Buffer.from(whole);
      const middle = Math.floor(whole.length / 2);
      damaged.fill(0, middle, middle + 64);
      const name = `shop.sql.${ending}`;
      expect([
        await seen(name, whole),
        await seen(name, packed('PGDMP\u0001\u000e\u0000')),
        await seen(name, packed('')),
        await seen(name, whole.subarray(0, -20)),
        await seen(name, damaged),
      ]).toEqual([
        `plain ${program}: passed`,
        `custom ${program}: passed`,
        `plain ${program}: failed empty`,
        `plain ${program}: failed truncated`,
        `plain ${program}: failed damaged`,
      ]);
    });
  });

  it('is not unpacked without a bound: a few bytes that become many are not read to their end', async () => {
    const head = Buffer.from('28b52ffd0058', 'hex');
    // Blocks of one repeated byte, 128 KiB each (RFC 8878, 3.1.1.2.2), 9,000 of them: 1.1 GiB.
    const block = Buffer.from([0x02, 0x00, 0x10, 0x20]);
    const last = Buffer.from([0x03, 0x00, 0x10, 0x20]);
    const bomb = Buffer.concat([head, ...Array.from({ length: 1_000 }, () => block), last]);
    expect(await seen('bomb.sql.zst', bomb)).toBe('plain zstd: impossible not-supported');
  });

  it.runIf(process.platform === 'linux')(
    'is unpacked by a program that has little memory and writes no file',
    async () => {
      const program = join(folder, 'unpacks');
      const script = '#!/bin/sh\ncat /proc/self/limits\n(echo taken >"$0.out") 2>/dev/null\nwc -c <"$0.out"\nexit 0\n';
      await writeFile(program, script, { mode: 0o755 });
      const stream = unpackProgram('bzip2', program);
      stream.end();
      const said = (await stream.toArray()).join('');
      expect(said).toMatch(/^Max address space +805306368 /m);
      expect(said).toMatch(/^Max file size +0 /m);
      expect(said).toMatch(/^Max core file size +0 /m);
      expect(said).toMatch(/^Max open files +32 /m);
      expect(said).toMatch(/^0$/m);
    },
  );

  it.runIf(programOf('xz') !== undefined)('is not unpacked without a bound by a program either', async () => {
    const input = Buffer.alloc(2 ** 27);
    input.write(plain);
    const bomb = spawnSync(programOf('xz') ?? '', ['-c0'], { input }).stdout;
    expect(await seen('bomb.sql.xz', bomb)).toBe('plain xz: impossible not-supported');
  });

  it('is told with the command that unpacks it, whatever its name', () => {
    expect(unpackCommand('xz', "it's.sql.xz")).toBe(String.raw`xz -dk 'it'\''s.sql.xz'`);
    expect(unpackCommand('gpg', 'shop.sql.gpg')).toBe('gpg -o shop.sql -d shop.sql.gpg');
    expect(packingOf(Buffer.from('BZ2 notes'), 'notes.txt')).toBeUndefined();
  });
});
