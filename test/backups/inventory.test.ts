import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repositoriesOf } from '../../src/backups/repositories.ts';
import { isPutBack, judgeBackups } from '../../src/backups/verdict.ts';
import { putBackBackup, quarantineBackup, recordVerification, releaseBackup } from '../../src/backups/quarantine.ts';
import { expireBackup, removeExpired, unexpireBackup } from '../../src/backups/expire.ts';
import { filesLevel } from '../../src/backups/levels/files.ts';
import { findBackup, listBackups, listExpired } from '../../src/backups/inventory.ts';
import type { Backup } from '../../src/backups/types.ts';

const plain = '--\n-- PostgreSQL database dump\n--\n\n--\n-- PostgreSQL database dump complete\n--\n\n';
const never = new AbortController().signal;

let top = '';
let folder = '';
beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'problems-backups-')));
  folder = join(top, 'backups');
  await mkdir(folder);
});
afterEach(async () => rm(top, { recursive: true, force: true }));

describe('the inventory of backups', () => {
  it('recognizes files by their first bytes', async () => {
    await lay('orders/plain/full.sql', plain);
    await lay('orders/packed/full.sql.gz', gzipSync(plain));
    await lay('orders/custom/anything', 'PGDMP\x01\x0e');
    await lay('orders/tarred/full.tar', `toc.dat\0${'\0'.repeat(249)}ustar`);
    await lay('orders/parts/dump/toc.dat', 'PGDMP');
    await lay('orders/base/base/PG_VERSION', '17\n');
    await lay('orders/base/base/backup_manifest', '{}');
    await lay('orders/copied/data/PG_VERSION', '17\n');
    await lay('orders/cluster/all.sql', '--\n-- PostgreSQL database cluster dump\n--\n');
    await lay('orders/odd/notes.txt', 'nothing of the kind');
    await lay('orders/empty/full.dump', '');
    const { backups } = await listBackups([folder], undefined);
    expect(
      Object.fromEntries(backups.map(({ name, parts }) => [name, parts.map(({ path, kind }) => `${path} ${kind}`)])),
    ).toEqual({
      base: ['base base-backup'],
      cluster: ['all.sql cluster'],
      copied: ['data data-directory'],
      custom: ['anything custom'],
      empty: ['full.dump custom'],
      odd: [],
      packed: ['full.sql.gz plain-gzip'],
      parts: ['dump directory'],
      plain: ['full.sql plain'],
      tarred: ['full.tar tar'],
    });
  });

  it('says why a backup holds dumps only, as it was noted when it was taken', async () => {
    await lay('orders/taken/full.sql', plain);
    await lay('orders/taken/metadata.json', '{"dumps_only":"the server refuses replication: no entry"}');
    const { backups } = await listBackups([folder], undefined);
    expect(backups[0]?.notes).toEqual([
      'Dumps are all there is, without a base backup: the server refuses replication: no entry',
    ]);
  });

  it('knows the time of a dated name, and lists what a link names only once', async () => {
    await lay('shop/shop-2026-01-30/full.sql', plain);
    await lay('shop/shop_20260129/full.sql', plain);
    await lay('shop/2026-01-28T0310/full.sql', plain);
    await symlink('shop-2026-01-30', join(folder, 'shop', 'latest'));
    await symlink('full.sql', join(folder, 'shop', 'shop-2026-01-30', 'latest.sql'));
    const { backups } = await listBackups([folder], 'shop');
    expect(backups.map(({ name, createdAt, notes }) => [name, createdAt, notes])).toEqual([
      ['2026-01-28T0310', '2026-01-28T03:10:00.000Z', []],
      ['shop_20260129', '2026-01-29T00:00:00.000Z', []],
      ['shop-2026-01-30', '2026-01-30T00:00:00.000Z', []],
    ]);
  });

  it('says of dumps without a folder of their own how to move them, so they are not taken for no backups', async () => {
    await lay('shop-2026-11-30.sql.gz', gzipSync(plain));
    await lay('shop/shop_20261130.dump', 'PGDMP');
    await lay('shop/notes.txt', 'nothing of the kind');
    const { backups, notLookedAt } = await listBackups([folder], undefined);
    expect(backups).toEqual([]);
    expect(notLookedAt.map(({ path, reason }) => [path, reason])).toEqual([
      [
        join(folder, 'shop-2026-11-30.sql.gz'),
        `a dump must be in a folder of its own: mkdir -p '${folder}/<instance>/shop-2026-11-30' && mv ${folder}/shop-2026-11-30.sql.gz '${folder}/<instance>/shop-2026-11-30'/`,
      ],
      [
        join(folder, 'shop/shop_20261130.dump'),
        `a dump must be in a folder of its own: mkdir -p ${folder}/shop/shop_20261130 && mv ${folder}/shop/shop_20261130.dump ${folder}/shop/shop_20261130/`,
      ],
    ]);
  });

  it.for([
    ['pgBackRest', ['archive/main/archive.info', 'backup/main/backup.info'], 'pgbackrest --stanza=main verify'],
    ['WAL-G', ['basebackups_005/base_0/metadata.json', 'wal_005/1.lz4'], 'wal-g wal-verify integrity timeline'],
    ['Barman', ['main/base/20260301T0310/backup.info', 'main/wals/xlog.db'], 'barman verify-backup main latest'],
  ] as const)('recognizes a repository of %s, which is neither a backup nor none', async ([tool, files, command]) => {
    for (const place of ['shop/repository', 'orders', '../whole']) {
      for (const file of files) await lay(`${place}/${file}`, 'x');
    }
    const folders = [folder, join(top, 'whole')];
    const { backups, notLookedAt, repositories = [] } = await listBackups(folders, undefined);
    expect([backups, notLookedAt]).toEqual([[], []]);
    expect(repositories.map((one) => [one.tool, one.path, one.commands.at(-1)?.includes(command)])).toEqual([
      [tool, join(folder, 'orders'), true],
      [tool, join(folder, 'shop/repository'), true],
      [tool, join(top, 'whole'), true],
    ]);
    expect(repositoriesOf('shop', repositories, folders).map(({ path }) => path)).toEqual([
      join(folder, 'shop/repository'),
      join(top, 'whole'),
    ]);
    const verdict = judgeBackups('shop', [], { now: new Date(), repositories });
    expect([verdict.verdict, verdict.reason.includes(tool)]).toEqual(['not-proven', true]);
  });

  it.for([
    ['x  shop.sql', 'SHA256SUMS', 'passed'],
    ['x *old/place/shop.sql', 'shop.sql.sha256', 'passed'],
    ['x', 'shop.sql.sha256', 'passed'],
    ['SHA256 (shop.sql) = x', 'sums.sha256', 'passed'],
    ['0000000000000000000000000000000000000000000000000000000000000000  shop.sql', 'SHA256SUMS', 'failed'],
    ['00000000000000000000000000000000  shop.sql', 'shop.sql.md5', 'failed'],
    ['m  shop.sql', 'MD5SUMS', 'passed'],
  ] as const)('compares the check sums of its maker: %s in %s', async ([line, name, expected]) => {
    const [sha256, md5] = ['sha256', 'md5'].map((one) => createHash(one).update(plain).digest('hex'));
    await lay('orders/one/shop.sql', plain);
    await lay(`orders/one/${name}`, `${line.replace('x', sha256 ?? '').replace(/^m/, md5 ?? '')}\n`);
    const one = await sole();
    expect(one.parts.map(({ path }) => path)).toEqual(['shop.sql']);
    const { observations } = await filesLevel(one, undefined, never);
    const said = observations.filter(({ says }) => says.includes('check sum'));
    expect(said.map(({ result, cause }) => [result, cause])).toEqual([
      [expected, expected === 'failed' ? 'damaged' : undefined],
    ]);
  });

  it('takes time and state from the metadata, the name, or the location', async () => {
    await lay('orders/20260301_031000/full.sql', plain);
    await lay('orders/named/full.sql', plain);
    await lay(
      'orders/named/metadata.json',
      '{"created":"2025-05-01T10:00:00+02:00","status":"failed","postgres_version":"17.5"}',
    );
    await lay('orders/.half.part/full.sql', plain);
    await lay('orders/.quarantined/old/full.sql', plain);
    const { backups } = await listBackups([folder], 'orders');
    const named = Object.fromEntries(backups.map((backup) => [backup.name, backup]));
    expect(named['20260301_031000']).toMatchObject({
      createdAt: '2026-03-01T03:10:00.000Z',
      state: 'complete',
      verdict: 'unproven',
    });
    expect(named['named']).toMatchObject({
      createdAt: '2025-05-01T08:00:00.000Z',
      state: 'failed',
      postgresVersion: '17.5',
    });
    expect(named['half']).toMatchObject({ state: 'running', ref: 'orders/half' });
    expect(named['old']).toMatchObject({ state: 'quarantined', quarantine: { reason: 'no reason recorded' } });
  });

  it('never leaves its folders, whatever a symbolic link or a name says', async () => {
    await writeFile(join(top, 'secret.sql'), plain);
    await mkdir(join(top, 'elsewhere'));
    await lay('orders/sound/full.sql', plain);
    await symlink(join(top, 'secret.sql'), join(folder, 'orders', 'sound', 'link.sql'));
    await symlink(join(top, 'elsewhere'), join(folder, 'orders', 'linked'));
    const { backups, notLookedAt } = await listBackups([folder], undefined);
    expect(backups.map(({ ref, parts, notes }) => [ref, parts.map(({ path }) => path), notes])).toEqual([
      ['orders/sound', ['full.sql'], ['link.sql is not a regular file and was skipped.']],
    ]);
    expect(notLookedAt).toEqual([
      { path: join(folder, 'orders', 'linked'), reason: expect.stringContaining('is outside') },
    ]);
    expect(await findBackup([folder], '../x')).toBeUndefined();
    expect(await findBackup([folder], 'orders/../sound')).toBeUndefined();
    await expect(findBackup([folder], join(top, 'elsewhere'))).rejects.toMatchObject({ code: 'outside-root' });
    expect((await findBackup([folder], join(folder, 'orders', 'sound')))?.ref).toBe('orders/sound');
  });

  it('validates the record next to a backup', async () => {
    await lay('orders/odd/full.sql', plain);
    for (const text of [
      '',
      'null',
      '[]',
      '{"schemaVersion":1,"checks":[{"level":"L9"},7],"files":[{"path":"a","sha256":"x"}]}',
    ]) {
      await lay('orders/odd/verification.json', text);
      expect(await sole()).toMatchObject({ verdict: 'unproven', reached: null });
    }
  });
});

describe('the verification record of a backup', () => {
  it('reveals every later change, and keeps the first state of the files', async () => {
    await lay('orders/one/full.sql', plain);
    const first = await filesLevel(await sole(), undefined, never);
    expect(first.observations.map(({ result }) => result)).toEqual(['passed', 'passed']);
    await recordVerification([folder], await sole(), { checks: [], files: first.files });
    await lay('orders/one/full.sql', plain.replace('--\n\n--', '--\nSELECT 1;\n--'));
    const again = await filesLevel(await sole(), undefined, never);
    await recordVerification([folder], await sole(), { checks: [], files: again.files });
    expect(
      again.observations
        .filter(({ result }) => result === 'failed')
        .map(({ cause, says }) => [cause, says.slice(0, 24)]),
    ).toEqual([['changed-since', 'full.sql has changed sin']]);
    expect((await sole()).verification?.files).toEqual(first.files);
  });

  it('accepts an added file next to a backup', async () => {
    await lay('orders/one/full.sql', plain);
    const { files } = await filesLevel(await sole(), undefined, never);
    await recordVerification([folder], await sole(), { checks: [], files });
    await lay('orders/one/notes.txt', 'taken before the upgrade');
    const { observations } = await filesLevel(await sole(), undefined, never);
    expect(observations.map(({ result }) => result)).toEqual(['passed', 'passed']);
    expect(observations[0]?.says).toMatch(/^All 1 files are unchanged since .* Added since: notes\.txt\.$/);
  });

  it('marks a backup as good only after a restore test, and as bad after one failure', async () => {
    await lay('orders/one/full.sql', plain);
    const check = { at: '2026-01-01T00:00:00.000Z', says: [], ms: 1, result: 'passed' } as const;
    await recordVerification([folder], await sole(), {
      checks: [
        { ...check, level: 'L0' },
        { ...check, level: 'L3' },
      ],
      files: [],
    });
    expect(await sole()).toMatchObject({ verdict: 'unproven', reached: 'L3' });
    await recordVerification([folder], await sole(), { checks: [{ ...check, level: 'L4' }], files: [] });
    expect(await sole()).toMatchObject({ verdict: 'good', reached: 'L4' });
    await recordVerification([folder], await sole(), {
      checks: [{ ...check, level: 'L5', result: 'failed', cause: 'structure-damaged' }],
      files: [],
    });
    expect(await sole()).toMatchObject({ verdict: 'bad', reached: null });
  });
});

describe('moving a backup', () => {
  it('to quarantine keeps it whole and states why; the way back leaves no trace', async () => {
    await lay('orders/one/full.sql', plain);
    const before = await sole();
    await quarantineBackup([folder], before, 'it does not restore');
    const aside = await sole();
    expect(aside).toMatchObject({
      state: 'quarantined',
      ref: 'orders/one',
      quarantine: { reason: 'it does not restore' },
    });
    await quarantineBackup([folder], aside, 'again');
    expect((await sole()).quarantine?.reason).toBe('it does not restore');
    await releaseBackup([folder], aside);
    expect({ ...(await sole()), createdAt: '' }).toEqual({ ...before, createdAt: '' });
  });

  it('to quarantine and back keeps its permissions', async () => {
    await lay('orders/one/full.sql', plain);
    await chmod(join(folder, 'orders', 'one'), 0o750);
    await quarantineBackup([folder], await sole(), 'it does not restore');
    expect(await modeOf('orders/.quarantined/one')).toBe('500');
    await releaseBackup([folder], await sole());
    expect(await modeOf('orders/one')).toBe('750');
  });

  it('is undone on request: the backup is back, its checks are forgotten, and its notes say so', async () => {
    await lay('orders/one/full.sql', plain);
    const failed = { level: 'L0', result: 'failed', at: '2026-03-01T00:00:00Z', says: [], ms: 1 } as const;
    await recordVerification([folder], await sole(), { checks: [failed], files: [] });
    await quarantineBackup([folder], await sole(), 'truncated: failed at L0.');
    const aside = await sole();
    expect([aside.verdict, isPutBack(aside)]).toEqual(['bad', false]);
    await putBackBackup([folder], aside);
    // A process that was killed in the middle does it again.
    await putBackBackup([folder], await sole());
    const back = await sole();
    expect([back.folder, back.state, back.verdict, back.quarantine]).toEqual([
      join(folder, 'orders/one'),
      'complete',
      'unproven',
      null,
    ]);
    expect([isPutBack(back), back.parts.length, back.verification]).toEqual([true, 1, null]);
  });

  it('never overwrites another', async () => {
    await lay('orders/one/full.sql', plain);
    await lay('orders/.quarantined/one/full.sql', plain);
    await lay('orders/.expired/one/full.sql', plain);
    const one = await findBackup([folder], 'orders/one');
    if (one === undefined) throw new Error('it is not there');
    await expect(quarantineBackup([folder], one, 'x')).rejects.toMatchObject({ code: 'step-refused' });
    await expect(expireBackup([folder], one)).rejects.toMatchObject({ code: 'step-refused' });
  });

  it('to the expired backups can be undone until it is removed', async () => {
    await lay('orders/one/full.sql', plain);
    const one = await sole();
    await expireBackup([folder], one);
    expect((await listBackups([folder], 'orders')).backups).toEqual([]);
    expect(await listExpired([folder], 'orders')).toEqual(['one']);
    await unexpireBackup([folder], 'orders', 'one');
    expect(await sole()).toEqual(one);
    await expireBackup([folder], one);
    await removeExpired([folder], 'orders', 'one');
    await removeExpired([folder], 'orders', 'one');
    expect(await listExpired([folder], 'orders')).toEqual([]);
    expect(await readdir(join(folder, 'orders', '.expired'))).toEqual([]);
    await expect(removeExpired([folder], '..', 'one')).rejects.toMatchObject({ code: 'bad-usage' });
  });

  it('from quarantine to the expired backups can be undone, back to a read-only quarantine', async () => {
    await lay('orders/one/full.sql', plain);
    await quarantineBackup([folder], await sole(), 'it does not restore');
    const aside = await sole();
    await expireBackup([folder], aside);
    expect((await listBackups([folder], 'orders')).backups).toEqual([]);
    expect(await listExpired([folder], 'orders')).toEqual(['one']);
    expect(await readdir(join(folder, 'orders', '.quarantined'))).toEqual([]);
    await unexpireBackup([folder], 'orders', 'one');
    expect(await sole()).toEqual(aside);
    expect(await modeOf('orders/.quarantined/one')).toBe('500');
    expect(await listExpired([folder], 'orders')).toEqual([]);
    await expireBackup([folder], aside);
    await removeExpired([folder], 'orders', 'one');
    expect(await readdir(join(folder, 'orders', '.expired'))).toEqual([]);
  });

  it('leaves it in both lists if interrupted after its note, and can be completed or undone', async () => {
    for (const goOn of [true, false]) {
      await lay('orders/.quarantined/one/full.sql', plain);
      await lay('orders/.expired/.one.was', '{"schemaVersion":1,"place":"quarantined","mode":320}');
      expect(await listExpired([folder], 'orders')).toEqual(['one']);
      const aside = await sole();
      if (goOn) {
        await expireBackup([folder], aside);
        expect((await listBackups([folder], 'orders')).backups).toEqual([]);
      }
      await unexpireBackup([folder], 'orders', 'one');
      expect(await listExpired([folder], 'orders')).toEqual([]);
      expect(await sole()).toEqual(aside);
      expect(await modeOf('orders/.quarantined/one')).toBe('500');
      await chmod(join(folder, 'orders', '.quarantined', 'one'), 0o700);
    }
  });
});

async function modeOf(path: string): Promise<string> {
  return ((await stat(join(folder, path))).mode & 0o777).toString(8);
}

async function lay(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
  await chmod(join(folder, path), 0o600);
}

async function sole(): Promise<Backup> {
  const { backups } = await listBackups([folder], 'orders');
  const [first, ...more] = backups;
  if (first === undefined || more.length > 0) throw new Error(`there are ${backups.length} backups`);
  return first;
}
