import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { volumePermissions } from '../../../src/remediation/remediators/volume-permissions/index.ts';
import { createTestHost } from '../../../src/testing/index.ts';
import { parseSurvey } from '../../../src/host/probes/files.ts';
import type { SurveyEntry } from '../../../src/host/probes/types.ts';
import { diagnose, type Observation } from '../../../src/remediation/remediators/volume-permissions/diagnose.ts';
import {
  below,
  isAcceptedTop,
  obstacleTo,
  unexpectedFiles,
} from '../../../src/remediation/remediators/volume-permissions/files.ts';
import {
  isTraceOfData,
  type Sign,
  signOf,
} from '../../../src/remediation/remediators/volume-permissions/log-patterns.ts';
import { shellQuote } from '../../../src/util/quote.ts';
import { readControlFile } from '../../../src/remediation/shared/server-settings.ts';

const server = { uid: 999, gid: 999 };

const pgdata = '/var/lib/postgresql/data';

describe('a line of the log', () => {
  it.for<[Sign | undefined, string]>([
    ['chown-refused', `chmod: changing permissions of '${pgdata}': Operation not permitted`],
    ['chown-refused', `chown: changing ownership of '${pgdata}': Operation not permitted`],
    ['chown-refused', `chown: ${pgdata}/base: Operation not permitted`],
    ['initdb-refused', `initdb: error: could not change permissions of directory "${pgdata}": Operation not permitted`],
    ['initdb-refused', `initdb: error: could not access directory "${pgdata}": Permission denied`],
    ['wrong-ownership', `2025-08-02 10:00:00.000 UTC [1] FATAL:  data directory "${pgdata}" has wrong ownership`],
    [
      'invalid-permissions',
      `2025-08-02 10:00:00.000 UTC [1] FATAL:  data directory "${pgdata}" has invalid permissions`,
    ],
    ['permission-denied', `postgres: could not open file "${pgdata}/global/pg_control": Permission denied`],
    [
      'permission-denied',
      '2025-08-02 10:00:00.000 UTC [31] FATAL:  could not open file "global/pg_filenode.map": Permission denied',
    ],
    [
      'permission-denied',
      '2025-08-02 10:00:00.000 UTC [1] PANIC:  could not open file "pg_wal/000000010000000000000001": Permission denied',
    ],
    [
      'permission-denied',
      `2025-08-02 10:00:00.000 GMT [1] LOG:  could not open configuration file "${pgdata}/postgresql.conf": Permission denied`,
    ],
    ['permission-denied', `find: ‘${pgdata}’: Permission denied`],
    [
      'read-only',
      '2025-08-02 10:00:00.000 UTC [1] FATAL:  could not create lock file "postmaster.pid": Read-only file system',
    ],
    ['lost-and-found', 'initdb: detail: It contains a lost+found directory, perhaps due to it being a mount point.'],
    [undefined, '2025-08-02 10:00:00.000 UTC [31] ERROR:  permission denied for table orders'],
    [undefined, '2025-08-02 10:00:00.000 UTC [31] STATEMENT:  select \'data directory "x" has wrong ownership\''],
    [undefined, '2025-08-02 10:00:00.000 UTC [1] LOG:  database system is ready to accept connections'],
  ])('%s: %s', ([sign, line]) => {
    expect(signOf(line)).toBe(sign);
  });

  it('shows that a server has had data there', () => {
    expect(isTraceOfData('2025-08-02 10:00:00.000 UTC [1] LOG:  database system is shut down')).toBe(true);
    expect(isTraceOfData('PostgreSQL Database directory appears to contain a database; Skipping initialization')).toBe(
      true,
    );
    expect(isTraceOfData(`initdb: error: could not access directory "${pgdata}": Permission denied`)).toBe(false);
  });
});

describe('a survey', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => !name.includes('\0'));
  const hostile = fc.constantFrom(
    'new\nline',
    'quo\'te"',
    '$(touch x)',
    '-rf',
    ' ',
    'a b',
    '\uFFFD\uFFFD',
    'surveyed',
    '`id`',
    '\\0',
    'é',
    '%y %U',
  );
  const path = fc
    .array(
      fc.oneof(text, hostile).filter((part) => !part.includes('/')),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => parts.join('/'));
  const entry = fc.record({
    path,
    type: fc.constantFrom('f', 'd', 'l', 's', 'p', 'b', 'c'),
    uid: fc.nat(),
    gid: fc.nat(),
    mode: fc.nat(0o7777).map((mode) => mode.toString(8)),
    links: fc.nat(),
    linkTarget: fc.oneof(text, hostile, fc.constant('')),
  });
  const bits: Readonly<Record<string, number>> = { f: 0x8, d: 0x4, l: 0xa, s: 0xc, p: 0x1, b: 0x6, c: 0x2 };

  it('is read back as printed, for any names, from either version of find', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: (one) => one.path }), fc.boolean(), (entries, busybox) => {
        const printed = entries
          .map(({ path: name, type, uid, gid, mode, links, linkTarget }) => {
            const word = busybox
              ? ((bits[type] ?? 0) * 0x1000 + Number.parseInt(mode, 8)).toString(16).padStart(4, '0')
              : type;
            return `${word} ${uid} ${gid} ${mode} ${links} ${busybox ? `./${name}` : name}\0${linkTarget}\0`;
          })
          .join('');
        const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
        expect(parseSurvey(printed, false)).toEqual({ entries: sorted, truncated: false });
      }),
    );
  });

  it('never reads a truncated end as an entry', () => {
    fc.assert(
      fc.property(entry, fc.double({ min: 0, max: 0.99, noNaN: true }), ({ path: name, uid, gid, mode }, share) => {
        const whole = `f ${uid} ${gid} ${mode} 1 ${name}\0\0`;
        const { entries } = parseSurvey(whole + whole.slice(0, Math.floor((whole.length - 1) * share)), true);
        expect(entries).toHaveLength(1);
      }),
    );
  });

  it('prints the mount itself as a dot, and a folder of it as if it were the mount', () => {
    const { entries } = parseSurvey(
      'd 999 999 755 3 \0\0d 999 999 700 3 18\0\0f 999 999 600 1 18/PG_VERSION\0\0',
      false,
    );
    expect(entries.map(({ path: name }) => name)).toEqual(['.', '18', '18/PG_VERSION']);
    expect(below(entries, '18').map(({ path: name }) => name)).toEqual(['.', 'PG_VERSION']);
    expect(below(entries, '.')).toEqual(entries);
  });
});

describe('entries that block a server', () => {
  it.for<[string, Partial<SurveyEntry>, 'owner' | 'mode' | undefined]>([
    ['the data directory of root', { path: '.', type: 'd', uid: 0, mode: '700' }, 'owner'],
    ['its data directory, open to all', { path: '.', type: 'd', mode: '777' }, 'mode'],
    ['its data directory, open to its group', { path: '.', type: 'd', mode: '750' }, undefined],
    ['a relation of root that anybody may read', { path: 'base/5/1259', uid: 0, mode: '644' }, 'owner'],
    ['a configuration of root that anybody may read', { path: 'postgresql.conf', uid: 0, mode: '644' }, undefined],
    ['a key of root that its group may read', { path: 'server.key', uid: 0, mode: '640' }, undefined],
    ['a note of root', { path: 'pg_hba.conf.orig', uid: 0, gid: 0, mode: '600' }, 'owner'],
    ['a file of its own in another group', { path: 'base/5/1259', gid: 0 }, undefined],
    ['a file of its own that is closed to it', { path: 'base/5/1259', mode: '0' }, 'mode'],
    ['a folder of root that anybody may enter', { path: 'base/5', type: 'd', uid: 0, gid: 0, mode: '755' }, 'owner'],
  ])('%s', ([, some, obstacle]) => {
    expect(obstacleTo(entry('x', some), server)).toBe(obstacle);
  });

  it('never include an entry of its own with all owner bits', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('f', 'd'), fc.nat(0o77), (path, type, others) => {
        const mode = (0o700 + (path === '.' ? 0 : others)).toString(8);
        expect(obstacleTo(entry(path, { type, mode }), server)).toBeUndefined();
      }),
    );
  });

  it('are decided for the top folder by the last three digits of its mode', () => {
    expect(['700', '750', '2700', '1750'].map(isAcceptedTop)).toEqual([true, true, true, true]);
    expect(['755', '770', '600', '701', '0'].map(isAcceptedTop)).toEqual([false, false, false, false, false]);
  });
});

describe('an unexpected entry', () => {
  const around = { owner: server, mounts: [pgdata, '/wal', '/spaces'] };
  it.for<[string, Partial<SurveyEntry> & { readonly path: string }]>([
    ['a link anywhere else', { path: 'base/evil', type: 'l', linkTarget: '/etc/passwd' }],
    ["a link of PostgreSQL's own to where there is no mount", { path: 'pg_wal', type: 'l', linkTarget: '/etc' }],
    ['one that climbs out of a mount', { path: 'pg_tblspc/16400', type: 'l', linkTarget: '/spaces/../etc' }],
    ['one to a folder with a like name', { path: 'pg_wal', type: 'l', linkTarget: '/wallet' }],
    ['a hard link', { path: 'base/5/1259', links: 2 }],
    ['a device', { path: 'base/sda', type: 'b' }],
    ['a socket', { path: '.s.PGSQL.5432', type: 's' }],
    ['a named pipe', { path: 'fifo', type: 'p' }],
    ['a program that runs as its owner', { path: 'base/sh', mode: '4755' }],
    ['lost+found', { path: 'lost+found', type: 'd', uid: 0 }],
    ['an owner without a number', { path: 'PG_VERSION', uid: 65_534 }],
    ['a name that is no UTF-8', { path: 'base/\uFFFD' }],
    ['a private key that root holds for its group', { path: 'server.key', uid: 0, mode: '640' }],
  ])('is %s', ([, some]) => {
    expect(unexpectedFiles([entry('x', some)], around)).toMatchObject([{ path: some.path }]);
  });

  it('is never one that PostgreSQL creates', () => {
    const usual = [
      entry('.', { type: 'd' }),
      entry('base/5/1259', {}),
      entry('pg_wal', { type: 'l', linkTarget: '/wal/15' }),
      entry('pg_tblspc/16400', { type: 'l', linkTarget: '/spaces' }),
      entry('base', { type: 'd', links: 5, mode: '2700' }),
    ];
    expect(unexpectedFiles(usual, around)).toEqual([]);
  });
});

describe('a diagnosis', () => {
  const cluster = [
    entry('.', { type: 'd' }),
    entry('PG_VERSION', {}),
    entry('base', { type: 'd' }),
    entry('base/5/1259', {}),
  ];
  const ofRoot = cluster.map((one) => ({ ...one, uid: 0, gid: 0 }));
  const empty = [entry('.', { type: 'd', uid: 0, gid: 0 })];

  it('distinguishes unreadable data from an empty folder, although initdb reports the same for both', () => {
    const signs = ['initdb-refused'] as const;
    expect(diagnose(seen({ entries: ofRoot, signs }))).toMatchObject({ kind: 'wrong-owner', wrong: { length: 4 } });
    expect(diagnose(seen({ entries: empty, signs, history: true }))).toEqual({ kind: 'data-missing' });
    expect(diagnose(seen({ entries: empty, signs }))).toEqual({ kind: 'ownership-refused' });
  });

  it('is empty if and only if the entrypoint fixes the problem at the next start', () => {
    expect(diagnose(seen({ entries: ofRoot, heals: true }))).toBeUndefined();
    expect(diagnose(seen({ entries: ofRoot, heals: true, running: true }))).toMatchObject({ kind: 'wrong-owner' });
    const closed = [...cluster, entry('base/5/2600', { mode: '0' })];
    expect(diagnose(seen({ entries: closed, heals: true }))).toMatchObject({
      kind: 'wrong-mode',
      wrong: [{ path: 'base/5/2600' }],
    });
    expect(diagnose(seen({ entries: ofRoot, heals: true, signs: ['chown-refused'] }))).toEqual({
      kind: 'ownership-refused',
    });
  });

  it('ignores that a server without root tried to change the mode of its folder', () => {
    expect(diagnose(seen({ entries: ofRoot, signs: ['chown-refused', 'wrong-ownership'] }))).toMatchObject({
      kind: 'wrong-owner',
    });
  });

  it('names missing capabilities of the entrypoint if they are the cause', () => {
    const missingCapabilities = ['CHOWN'];
    expect(diagnose(seen({ missingCapabilities, signs: ['permission-denied'] }))).toEqual({
      kind: 'ownership-refused',
    });
    expect(diagnose(seen({ missingCapabilities }))).toBeUndefined();
  });

  it('suspects SELinux only if owners and modes are right and the engine labels files', () => {
    const signs = ['permission-denied'] as const;
    expect(diagnose(seen({ signs, labelled: true }))).toEqual({ kind: 'label-refused' });
    expect(diagnose(seen({ signs, labelled: true, entries: ofRoot }))).toMatchObject({ kind: 'wrong-owner' });
    expect(diagnose(seen({ signs }))).toBeUndefined();
  });

  it('stops at a read-only file system', () => {
    expect(diagnose(seen({ mountWritable: false, entries: ofRoot }))).toEqual({ kind: 'read-only' });
    expect(diagnose(seen({ signs: ['read-only'], running: true }))).toEqual({ kind: 'read-only' });
  });

  it('never plans a repair of a folder without a cluster, whatever the log says', () => {
    const anySigns = fc.subarray<Sign>([
      'wrong-ownership',
      'invalid-permissions',
      'permission-denied',
      'initdb-refused',
      'chown-refused',
      'read-only',
      'lost-and-found',
    ]);
    fc.assert(
      fc.property(anySigns, fc.boolean(), fc.boolean(), fc.boolean(), (signs, history, heals, running) => {
        const kind = diagnose(seen({ entries: empty, signs, history, heals, running }))?.kind;
        expect(kind).not.toBe('wrong-owner');
        expect(kind).not.toBe('wrong-mode');
      }),
    );
  });

  function seen(some: Partial<Observation>): Observation {
    return {
      running: false,
      owner: server,
      heals: false,
      missingCapabilities: [],
      mountWritable: true,
      entries: cluster,
      signs: [],
      history: false,
      labelled: false,
      ...some,
    };
  }
});

describe('pg_control', () => {
  it('identifies the cluster and says whether its server shut down cleanly', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.nat(6), (identifier, state) => {
        const bytes = new DataView(new ArrayBuffer(8192));
        bytes.setBigUint64(0, identifier, true);
        bytes.setUint32(8, 1700, true);
        bytes.setUint32(16, state, true);
        expect(readControlFile(new Uint8Array(bytes.buffer))).toEqual({
          systemIdentifier: String(identifier),
          shutDown: state === 1 || state === 2,
        });
      }),
    );
  });

  it('is not read from other files', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 19 }), (bytes) => {
        expect(readControlFile(bytes)).toBeUndefined();
      }),
    );
    expect(readControlFile(new Uint8Array(8192))).toBeUndefined();
  });
});

describe('a shell command in advice', () => {
  it('keeps a path as one word, for any characters', () => {
    expect(shellQuote('/srv/data')).toBe('/srv/data');
    expect(shellQuote("/srv/it's $(here)")).toBe(String.raw`'/srv/it'\''s $(here)'`);
  });
});

function entry(path: string, some: Partial<SurveyEntry>): SurveyEntry {
  return { path, type: 'f', ...server, mode: some.type === 'd' ? '700' : '600', links: 1, linkTarget: '', ...some };
}

describe('a server that cannot use its files', () => {
  const entry = { type: 'd', gid: 0, mode: '700', links: 1, linkTarget: '' };
  const entries = [
    { ...entry, path: '.', uid: 0 },
    { ...entry, path: 'PG_VERSION', type: 'f', uid: 0, mode: '600' },
  ];
  const data = '/var/lib/postgresql/data';
  const mount = { type: 'bind', name: '', source: '/srv/pg', destination: data, writable: true, anonymous: false };

  it.each([
    [
      'has not come up, though its container runs between two restarts',
      'FATAL:  data directory has wrong ownership',
      true,
    ],
    ['serves', 'LOG:  database system is ready to accept connections', undefined],
  ])('is down if it %s', async (_, text, down) => {
    const { reader } = createTestHost({
      instances: [{ name: 'orders', container: { mounts: [mount], user: '999:999' }, sql: () => [] }],
      docker: { logs: async () => [{ at: '2026-05-01T10:00:01Z', stream: 'stderr', text }] },
      probes: {
        survey: async () => ({ entries, truncated: false }),
        imageUser: async () => ({ uid: 999, gid: 999 }),
      },
    });
    const { findings, notLookedAt } = await volumePermissions.detect(reader);
    expect(notLookedAt).toEqual([]);
    expect(findings.map(({ down: isDown }) => isDown)).toEqual([down]);
  });
});
