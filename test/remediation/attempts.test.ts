import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding, Plan } from '../../src/remediation/contract.ts';
import { blocksFor } from '../../src/remediation/policy/circuit-breakers.ts';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import type { RunChange, Store } from '../../src/remediation/store/store.ts';

const at = '2026-01-01T12:00:00.000Z';

const finding: Finding = {
  id: 'x/orders/b',
  remediator: 'x',
  instance: 'orders',
  kind: 'b',
  summary: '',
  risk: 'safe',
  evidence: [],
  details: null,
  problem: null,
};

const plan: Plan = {
  type: 'plan',
  remediator: 'x',
  finding,
  target: { instance: 'orders', container: '', volumes: ['v'] },
  summary: '',
  steps: [{ action: 'container.stop', params: {}, expects: [] }],
  cleanup: [],
  leftovers: [],
  risk: 'safe',
  downtime: { seconds: 0, why: '' },
  unpredictable: [],
  undo: '',
  expected: null,
};

let folder = '';
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-attempts-'));
  store = await openSqliteStore(join(folder, 'state.db'));
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

/** Three runs that ended, or did not, in this way, and what then blocks the next one. */
async function blocksAfter(change: RunChange): Promise<readonly string[]> {
  const decision = { automation: 'auto', source: 'risk', operations: [], reasons: [] } as const;
  for (const id of ['r1', 'r2', 'r3']) {
    await store.runs.create({ id, project: '/project', plan, decision, phase: 'planned', at });
    await store.runs.changeWaiting(id, { startedAt: at, ...change }, at);
  }
  const journal = { store, now: () => new Date('2026-01-01T12:30:00Z') };
  return (await blocksFor(journal, finding, [], { paused: undefined, attemptsPerDay: 3 })).map(({ reason }) => reason);
}

function ended(outcome: NonNullable<RunChange['outcome']>, failure: RunChange['failure']): RunChange {
  return { phase: 'ended', outcome, endedAt: at, ...(failure === undefined ? {} : { failure }) };
}

describe('the limit on failed attempts', () => {
  it.each<[string, RunChange]>([
    ['did not help', ended('rolled-back', { class: 'unverified', message: '' })],
    ['failed in a step', ended('rolled-back', { class: 'step-failed', message: '' })],
  ])('counts runs that %s', async (_, change) => {
    expect(await blocksAfter(change)).toEqual([
      'x has failed on orders 3 times in 24 hours',
      '3 runs failed within the last hour',
    ]);
  });

  it.each<[string, RunChange]>([
    ['fixed their problem', ended('fixed', undefined)],
    ['were stopped by their operator', ended('rolled-back', { class: 'interrupted', message: '' })],
    ['were refused', ended('failed', { class: 'unsafe', message: '' })],
    ['met another run on their data', ended('failed', { class: 'conflict', message: '' })],
    ['are still running', { phase: 'running' }],
  ])('does not count runs that %s', async (_, change) => {
    expect(await blocksAfter(change)).toEqual([]);
  });
});
