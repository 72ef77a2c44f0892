import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesLevel } from '../../src/backups/levels/files.ts';
import { readBackup } from '../../src/backups/inventory.ts';
import { packingOf, unpackCommand } from '../../src/backups/packing.ts';

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
afterEach(async () => rm(folder, { recursive: true, force: true }));

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
    ['plain SQL in xz', 'shop.sql.xz', xz, 'plain xz: impossible not-supported'],
    ['plain SQL in bzip2', 'shop.sql.bz2', bzip2, 'plain bzip2: impossible not-supported'],
    ['plain SQL in lz4', 'shop.sql.lz4', lz4, 'plain lz4: impossible not-supported'],
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

  it('is not unpacked without a bound: a few bytes that become many are not read to their end', async () => {
    const head = Buffer.from('28b52ffd0058', 'hex');
    // Blocks of one repeated byte, 128 KiB each (RFC 8878, 3.1.1.2.2), 9,000 of them: 1.1 GiB.
    const block = Buffer.from([0x02, 0x00, 0x10, 0x20]);
    const last = Buffer.from([0x03, 0x00, 0x10, 0x20]);
    const bomb = Buffer.concat([head, ...Array.from({ length: 1_000 }, () => block), last]);
    expect(await seen('bomb.sql.zst', bomb)).toBe('plain zstd: impossible not-supported');
  });

  it('is told with the command that unpacks it, whatever its name', () => {
    expect(unpackCommand('xz', "it's.sql.xz")).toBe(String.raw`xz -dk 'it'\''s.sql.xz'`);
    expect(unpackCommand('gpg', 'shop.sql.gpg')).toBe('gpg -o shop.sql -d shop.sql.gpg');
    expect(packingOf(Buffer.from('BZ2 notes'), 'notes.txt')).toBeUndefined();
  });
});
