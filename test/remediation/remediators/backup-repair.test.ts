import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backupRepair } from '../../../src/remediation/remediators/backup-repair/index.ts';
import { archivingCondition } from '../../../src/remediation/remediators/backup-repair/diagnose.ts';
import { planRestore } from '../../../src/remediation/remediators/backup-repair/plan-restore.ts';
import { approvalFor } from '../../../src/remediation/remediators/backup-repair/plan.ts';
import type { Backup } from '../../../src/backups/types.ts';
import type { Json } from '../../../src/remediation/contract.ts';
import { createTestHost } from '../../../src/testing/index.ts';
import { backupOf } from '../../backups/backup.ts';
import {
  damageInAmcheck,
  damageInReport,
  signOfLine,
} from '../../../src/remediation/remediators/backup-repair/observe.ts';

describe('a line of a server’s log', () => {
  const prefix = '2026-11-23 17:10:25.360 UTC [27] ';

  it.each([
    'ERROR:  invalid page in block 5 of relation base/16384/16385',
    'ERROR:  XX001: invalid page in block 5 of relation base/16384/16385',
    'WARNING:  page verification failed, calculated checksum 45890 but expected 56010',
    'WARNING:  checksum verification failed in file "./base/16384/16385", block 5: calculated B342 but expected DACA',
    'ERROR:  could not read block 12 in file "base/16384/16385": read only 0 of 8192 bytes',
    'ERROR:  could not read blocks 12..12 in file "base/16384/16385": Input/output error',
    'ERROR:  could not open file "base/16384/16399": No such file or directory',
    'ERROR:  could not open file "base/16384/16399.1" (target block 131072): No such file or directory',
    'ERROR:  could not access status of transaction 4026531839',
    'ERROR:  missing chunk number 0 for toast value 16412 in pg_toast_16385',
    'ERROR:  unexpected chunk number 2 (expected 1) for toast value 16412 in pg_toast_16385',
    'ERROR:  failed to re-find parent key in index "orders_pkey" for deletion target page 7',
    'ERROR:  index "orders_pkey" contains unexpected zero page at block 3',
    'ERROR:  heap tuple (6,51) from table "orders" lacks matching index tuple within index "lying"',
    'PANIC:  could not fsync file "base/16384/16385": Input/output error',
    'PANIC:  could not locate a valid checkpoint record',
  ])('is a sign of damage if it says "%s"', (message) => {
    expect(signOfLine(prefix + message)).toBe('damage');
    expect(signOfLine(message)).toBe('damage');
    expect(signOfLine(`acme@orders[12] ${message}`)).toBe('damage');
  });

  it('is a suspicion if concurrent sessions can explain it too', () => {
    expect(signOfLine(`${prefix}ERROR:  cache lookup failed for relation 16399`)).toBe('suspicion');
  });

  it.each([
    'ERROR:  could not open file "base/16384/16399": Permission denied',
    'ERROR:  could not open file "/import/base/orders.csv" for reading: No such file or directory',
    'ERROR:  duplicate key value violates unique constraint "pg_type_typname_nsp_index"',
    'ERROR:  tuple concurrently updated',
    "STATEMENT:  select 'ERROR:  invalid page in block 5 of relation base/1/2'",
    'ERROR:  syntax error at or near "invalid page in block 5 of relation base/1/2"',
    'LOG:  database system was not properly shut down; automatic recovery in progress',
    "LOG:  statement: select 'PANIC:  could not locate a valid checkpoint record'",
    "DETAIL:  Failed process was running: select 'ERROR:  could not access status of transaction 1'",
    'FATAL:  sorry, too many clients already',
    'ERROR:  could not resize shared memory segment "/PostgreSQL.1" to 1 bytes: No space left on device',
  ])('is no sign of damage if it says "%s"', (message) => {
    expect(signOfLine(prefix + message)).toBeUndefined();
  });

  it('is no sign of damage if it continues with a statement, whatever the statement says', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(signOfLine(`\t${text}ERROR:  invalid page in block 5 of relation base/1/2`)).toBeUndefined();
      }),
    );
  });
});

describe('the output of pg_amcheck', () => {
  it('is damage if it describes a table or index, or if the server refuses to read one', () => {
    const text = [
      'heap table "vrooli.public.orders", block 5, offset 88, attribute 2:',
      '    attribute with length 4294967295 ends at offset 90 beyond total tuple length 46',
      'btree index "vrooli.public.lying":',
      '    ERROR:  heap tuple (0,1) from table "orders" lacks matching index tuple within index "lying"',
      '    HINT:  Retrying verification using the function bt_index_parent_check() might provide a more specific error.',
    ].join('\n');
    expect(damageInAmcheck(text)).toEqual([
      'attribute with length 4294967295 ends at offset 90 beyond total tuple length 46',
      'ERROR:  heap tuple (0,1) from table "orders" lacks matching index tuple within index "lying"',
    ]);
  });

  it.each([
    'btree index "vrooli.public.a":\n    ERROR:  permission denied for function bt_index_check',
    'heap table "vrooli.public.a":\n    ERROR:  canceling statement due to lock timeout',
    'heap table "vrooli.public.a":\n    ERROR:  relation with OID 16399 does not exist',
    'pg_amcheck: warning: skipping database "postgres": amcheck is not installed\npg_amcheck: error: no relations to check',
  ])('is not damage if the check could not run: %s', (text) => {
    expect(damageInAmcheck(text)).toEqual([]);
  });
});

describe('the output of a dump or a base backup', () => {
  it('is damage if the server reported it, and not if reading failed for another reason', () => {
    expect(
      damageInReport(
        'pg_dump: error: Dumping the contents of table "orders" failed: PQgetResult() failed.\n' +
          'pg_dump: detail: Error message from server: ERROR:  invalid page in block 5 of relation base/16384/16385',
      ),
    ).toHaveLength(1);
    expect(damageInReport('pg_basebackup: error: checksum error occurred')).toHaveLength(1);
    expect(damageInReport('pg_dump: error: query failed: ERROR:  permission denied for table orders')).toEqual([]);
  });
});

describe('continuous archiving', () => {
  const fine = {
    mode: 'on',
    command: 'cp',
    library: '',
    archived: 3,
    failed: 2,
    ready: 1,
    failsNow: false,
    lastFailedFile: '000000010000000000000003',
    lastFailedAt: '2026-11-23 17:10:25+00',
  };

  it('fails if the last try failed, if nothing archives, or if many files wait', () => {
    expect(archivingCondition({ ...fine, failsNow: true })).toContain('has failed 2 times');
    expect(archivingCondition({ ...fine, command: '' })).toContain('archive_command is not set');
    expect(archivingCondition({ ...fine, ready: 51 })).toContain('51 WAL files are waiting');
  });

  it('is healthy after a success, if it is off, or if a file waits for its turn', () => {
    expect(archivingCondition(fine)).toBeUndefined();
    expect(archivingCondition({ ...fine, mode: 'off', failsNow: true, ready: 100 })).toBeUndefined();
    expect(archivingCondition({ ...fine, command: '', library: 'basic_archive' })).toBeUndefined();
  });
});

describe('the quarantine of bad backups', () => {
  it('runs unattended only if all are proven to be empty or truncated', () => {
    const [empty, cut] = ['empty', 'truncated'].map((cause) => ({ ref: `orders/${cause}`, cause }));
    if (empty === undefined || cut === undefined) throw new Error('two causes');
    expect(approvalFor([])).toEqual({});
    expect(approvalFor([empty, cut])).toEqual({});
    expect(approvalFor([empty, cut], [cut.ref])).toEqual({
      approval: `${cut.ref} was put back by someone after it was set aside`,
    });
    expect(approvalFor([cut, { ref: 'orders/newer', cause: 'does-not-restore' }])).toEqual({
      approval: expect.stringContaining('orders/newer (does-not-restore)'),
    });
  });
});

describe('an encrypted backup', () => {
  it('is not restored before it is decrypted, even if a part of it is plain and its check has the key', async () => {
    const parts: Backup['parts'] = [
      { path: 'globals.sql', kind: 'globals', database: null, bytes: 1 },
      { path: 'other.sql', kind: 'plain', database: null, bytes: 1 },
      { path: 'shop.dump.age', kind: 'unknown', database: null, bytes: 1, packing: 'age' },
    ];
    const host = createTestHost({
      instances: [{ name: 'orders' }],
      backups: { read: async () => backupOf('monday', { parts }) },
    });
    const { plan } = await planRestore({ backup: 'orders/monday', into: 'again', port: 5440 }, host.reader);
    expect(plan).toEqual({
      type: 'refusal',
      reason: 'orders/monday is encrypted: shop.dump.age (age).',
      advice: 'Decrypt it in a folder of its own among the backups, and restore that.',
    });
  });
});

describe('an instance without a recent good backup', () => {
  /** Ages in hours, with their verdicts. */
  async function found(
    ages: readonly (readonly [hours: number, verdict: Backup['verdict'], state?: Backup['state']])[],
    { settings = {}, status = 'running' }: { readonly settings?: Json; readonly status?: string } = {},
  ): Promise<readonly string[]> {
    const backups = ages.map(([hours, verdict, state = 'complete']) =>
      backupOf(`${hours}h`, {
        state,
        createdAt: new Date(Date.now() - hours * 3_600_000).toISOString(),
        verification: { schemaVersion: 1, checks: [], files: [], filesAt: '', filesBy: 'completion' },
        verdict,
      }),
    );
    const state = { status, running: status === 'running', exitCode: 0, error: '', oomKilled: false };
    const times = { startedAt: '2026-01-01T00:00:01Z', finishedAt: '0001-01-01T00:00:00Z', health: '' };
    const { reader } = createTestHost({
      instances: [{ name: 'orders', container: { state: { ...state, ...times } }, sql: () => [] }],
      settings: { 'backup-repair': settings },
      docker: { logs: async () => [] },
      backups: {
        list: async () => ({ backups, notLookedAt: [] }),
        check: async () => ({ checks: [], verdict: 'unproven', fingerprints: null }) as never,
      },
    });
    const { findings } = await backupRepair.detect(reader);
    return findings.map(({ id, summary }) => `${id}: ${summary}`);
  }

  const id = 'backup-repair/orders/no-good-backup';

  it.each([{}, { expect: false }, { expect: ['billing'] }])(
    'is no finding if it never had one and none is expected: %j',
    async (settings) => {
      expect(await found([], { settings })).toEqual([]);
    },
  );

  it.each([{ expect: true }, { expect: ['orders'] }, { rpoHours: 48 }])(
    'is a finding if the config expects one: %j',
    async (settings) => {
      expect(await found([], { settings })).toEqual([`${id}: orders has no recent good backup: no backup was found.`]);
      expect(await found([], { settings, status: 'exited' })).toEqual([]);
    },
  );

  it('is a finding if all that it had is quarantined', async () => {
    expect(await found([[1, 'bad', 'quarantined']])).toHaveLength(1);
  });

  it('is a finding after 26 hours, or after what the config allows', async () => {
    expect(await found([[25, 'good']])).toEqual([]);
    expect(await found([[27, 'good']])).toEqual([expect.stringContaining('orders/27h, is 27 h old; at most 26 h')]);
    expect(await found([[27, 'good']], { settings: { rpoHours: 30 } })).toEqual([]);
  });

  it('is a finding if the newest was never restored', async () => {
    expect(await found([[1, 'unproven']])).toEqual([expect.stringContaining('orders/1h, has never been restored')]);
  });
});
