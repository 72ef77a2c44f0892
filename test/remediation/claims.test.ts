import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readRegistry } from '../../src/registry/parse/read.ts';
import type { ActiveProblem } from '../../src/registry/record.ts';
import type { Finding } from '../../src/remediation/contract.ts';
import { recordFor } from '../../src/remediation/engine/record-for.ts';
import { assignmentBy } from '../../src/remediation/engine/session.ts';
import { remediators } from '../../src/remediation/remediators/index.ts';
import { claims } from '../../src/tasks/claims.ts';
import { classifierWith, createClassifier, defaultClassifier, remediatorFor } from '../../src/tasks/classify.ts';
import { readPolicy, triage } from '../../src/tasks/index.ts';
import { active, intermittent } from '../priority/records.ts';

/** What people write, and the remediator that it belongs to. */
const titles: readonly (readonly [title: string, remediator: string | undefined])[] = [
  ['Port Allocation Conflicts', 'port-reassignment'],
  ['Port 5433 is already allocated', 'port-reassignment'],
  ['orders cannot start: port 5434 already in use', 'port-reassignment'],
  ['bind: address already in use on vrooli-postgres-alpha', 'port-reassignment'],
  ['Port collision between billing and orders', 'port-reassignment'],
  ['Running out of free ports in range 5433-5499', 'port-reassignment'],
  ['Serial port not detected', undefined],
  ['Database Connection Pool Exhaustion', 'connection-pool'],
  ['Postgres pool exhaustion', 'connection-pool'],
  ['FATAL: sorry, too many clients already', 'connection-pool'],
  ['max_connections reached every morning', 'connection-pool'],
  ['Sessions idle in transaction block vacuum', 'connection-pool'],
  ['Connections are exhausted during the nightly import', 'connection-pool'],
  ['No free connection slots on orders', 'connection-pool'],
  ['Server runs out of memory', 'memory'],
  ['OOM killer terminates postgres backend', 'memory'],
  ['shared_buffers larger than the container limit', 'memory'],
  ['work_mem too high for reporting queries', 'memory'],
  ['could not resize shared memory segment', 'memory'],
  ['Instance Data Corruption During Backup', 'backup-repair'],
  ['Backup of orders cannot be restored', 'backup-repair'],
  ['WAL archiving stopped on orders', 'backup-repair'],
  ['archive_command fails since Friday', 'backup-repair'],
  ['Point-in-time recovery does not work', 'backup-repair'],
  ['Checksum failures in table invoices', 'backup-repair'],
  ['Docker Volume Permission Issues', 'volume-permissions'],
  ['Postgres directory ownership wrong', 'volume-permissions'],
  ['data directory has invalid permissions', 'volume-permissions'],
  ['chown needed after host upgrade', 'volume-permissions'],
  ['Application user lacks permission on table orders', undefined],
  ['Access denied for role reporting', undefined],
  ['Schema Migration Race Conditions', 'migration-lock'],
  ['Two deployments ran the same migration at once', 'migration-lock'],
  ['Invalid index after CREATE INDEX CONCURRENTLY', 'migration-lock'],
  ['Schema version differs between replicas', 'migration-lock'],
  ['pgweb GUI Connection Timeouts', 'network-reconnect'],
  ['pgweb cannot reach orders', 'network-reconnect'],
  ['could not translate host name "orders" to address', 'network-reconnect'],
  ['Connection refused by vrooli-postgres-orders', 'network-reconnect'],
  ['n8n is disconnected from the postgres network', 'network-reconnect'],
  ['Queries are slow after upgrade', undefined],
  ['Deadlocks in the order service', undefined],
  ['Wrong settings in postgresql.conf', undefined],
  ['TLS certificate expired', undefined],
];

const builtIn = { remediatorFor: assignmentBy(remediators) };

/** The remediators whose findings the engine links to the record. */
function linking(record: ActiveProblem): readonly string[] {
  return remediators
    .map(({ name }) => name)
    .filter((name) => recordFor(name, findingOf(name), [{ record }], builtIn) !== undefined);
}

describe('the remediator that a record belongs to', () => {
  it.each(titles)('is the handler of its task and links its findings: %s', (title, remediator) => {
    const record = active({ title });
    expect(triage(record, readPolicy(undefined)).handler).toBe(remediator ?? 'agent');
    expect(linking(record)).toEqual(remediator === undefined ? [] : [remediator]);
  });

  it.each([
    ['Postgres pool exhaustion', 'connection-pool', 'performance'],
    ['Postgres directory ownership wrong', 'volume-permissions', 'permissions'],
    ['WAL archiving stopped on orders', 'backup-repair', 'data-integrity'],
    ['archive_command fails since Friday', 'backup-repair', 'data-integrity'],
    ['FATAL: sorry, too many clients already', 'connection-pool', 'performance'],
    ['max_connections reached every morning', 'connection-pool', 'performance'],
    ['Sessions idle in transaction block vacuum', 'connection-pool', 'performance'],
    ['shared_buffers larger than the container limit', 'memory', 'performance'],
    ['Invalid index after CREATE INDEX CONCURRENTLY', 'migration-lock', 'migration'],
  ])('is the same in the registry of another component, in words of PostgreSQL: %s', (title, remediator, kind) => {
    const record = active({ title, component: 'shop' });
    expect(triage(record, readPolicy(undefined))).toMatchObject({ handler: remediator, class: kind });
    expect(linking(record)).toEqual([remediator]);
  });

  it('is the same in triage and in linking for every phrase', () => {
    for (const { phrases } of defaultClassifier.rules) {
      for (const title of phrases) {
        const record = active({ title });
        const { handler } = triage(record, readPolicy(undefined));
        expect([title, linking(record)]).toEqual([title, handler === 'agent' ? [] : [handler]]);
      }
    }
  });

  it('follows from quoted messages if the title says nothing', () => {
    const errorMessages = ['Bind for 0.0.0.0:5433 failed: port is already allocated'];
    const record = active({ title: 'orders does not start', evidence: { errorMessages } });
    expect(triage(record, readPolicy(undefined))).toMatchObject({
      handler: 'port-reassignment',
      classReason: 'Its messages speak of port conflicts.',
    });
    const logs = '`FATAL:  data directory "/var/lib/postgresql/data" has wrong ownership`';
    const other = intermittent({ title: 'orders does not start', detectionCriteria: { logs } });
    expect(remediatorFor(other, defaultClassifier)).toBe('volume-permissions');
  });

  it('does not follow from a single word of a message', () => {
    const record = active({ title: 'orders does not start', evidence: { logs: ['docker logs orders | grep memory'] } });
    expect(remediatorFor(record, defaultClassifier)).toBeUndefined();
  });

  it('is not its handler if the record does not mention PostgreSQL, and its findings prefer a record that does', () => {
    const elsewhere = active({ title: 'Memory leak', component: 'browserless' });
    expect(triage(elsewhere, readPolicy(undefined)).handler).toBe('agent');
    const ours = active({ title: 'Out of memory' });
    const known = [elsewhere, ours].map((record) => ({ record }));
    expect(recordFor('memory', findingOf('memory'), known, builtIn)?.record).toBe(ours);
  });

  it('is known for each record of the fixture registry', async () => {
    const path = 'fixtures/resources/postgres/PROBLEMS.md';
    const { records } = readRegistry(await readFile(path, 'utf8'), { path, component: 'postgres' });
    const belonging = records.flatMap((record) =>
      record.kind === 'active' || record.kind === 'intermittent' || record.kind === 'resolved'
        ? [[record.id.split('/')[1], remediatorFor(record, defaultClassifier)]]
        : [],
    );
    expect(Object.fromEntries(belonging)).toEqual({
      'port-allocation-conflicts': 'port-reassignment',
      'database-connection-pool-exhaustion': 'connection-pool',
      'instance-data-corruption-during-backup': 'backup-repair',
      'docker-volume-permission-issues': 'volume-permissions',
      'schema-migration-race-conditions': 'migration-lock',
      'memory-allocation-errors-in-production-template': 'memory',
      'pgweb-gui-connection-timeouts': 'network-reconnect',
    });
  });
});

describe('the claims', () => {
  it('in the table are those of the remediators', () => {
    const declared = remediators.flatMap(({ name, claims: own }) => (own === undefined ? [] : [[name, own]]));
    expect(Object.fromEntries(declared)).toEqual(claims);
  });

  it('of a plugin apply in triage, in policies and in linking', () => {
    const stalePid = { topic: 'stale PID files', class: 'other', phrases: ['postmaster.pid', 'stale pid'] } as const;
    const classifier = classifierWith({ 'stale-pid': stalePid });
    const session = { remediatorFor: assignmentBy([...remediators, { name: 'stale-pid', claims: stalePid }]) };
    const record = active({ title: 'Stale PID file after a crash' });
    expect(triage(record, readPolicy(undefined, classifier)).handler).toBe('stale-pid');
    expect(triage(record, readPolicy(undefined)).handler).toBe('agent');
    expect(recordFor('stale-pid', findingOf('stale-pid'), [{ record }], session)?.record).toBe(record);
  });

  it('of a plugin cannot displace a built-in remediator with the same words', () => {
    const greedy = { topic: 'everything', class: 'other', phrases: ['memory'] } as const;
    const record = active({ title: 'Memory' });
    expect(remediatorFor(record, classifierWith({ greedy }))).toBe('memory');
    expect(remediatorFor(record, createClassifier({ greedy, memory: claims.memory }))).toBe('memory');
  });
});

function findingOf(remediator: string): Finding {
  return {
    id: `${remediator}/orders/x`,
    remediator,
    instance: 'orders',
    kind: 'x',
    summary: '',
    risk: 'safe',
    evidence: [],
    details: null,
    problem: null,
  };
}
