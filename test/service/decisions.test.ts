import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/app/remediation.ts';
import { newestAndNew, newestOfEach } from '../../src/service/backup-jobs.ts';
import { mayTryAgain } from '../../src/service/repair.ts';
import { serviceManager } from '../../src/service/service-manager.ts';
import { judged } from '../../src/service/status.ts';
import type { InstanceView, RoundView } from '../../src/service/types.ts';
import { sampleView } from './sample-view.ts';

const now = new Date('2026-11-30T12:00:00.000Z');

const view = sampleView();
const backup = view.backups.flatMap(({ backups }) => backups)[0];
const run = view.openRuns[0];
const instance = view.instances[0];
if (backup === undefined || run === undefined || instance === undefined) throw new Error('the sample view is empty');

describe('backups to prove', () => {
  const made = (name: string, day: number, more: object = {}) => ({
    ...backup,
    ref: `${name}/${day}`,
    instance: name,
    state: 'complete' as const,
    createdAt: `2026-11-0${day}T00:00:00Z`,
    ...more,
  });
  const all = [
    made('orders', 1),
    made('orders', 2, { verification: null }),
    made('orders', 3),
    made('orders', 4, { state: 'running' }),
    made('billing', 5, { state: 'quarantined' }),
  ];

  it('are the newest complete one of each instance for a drill', () => {
    expect(newestOfEach(all).map(({ ref }) => ref)).toEqual(['orders/3']);
  });

  it('and those that were never verified for the daily check', () => {
    expect(newestAndNew(all).map(({ ref }) => ref)).toEqual(['orders/2', 'orders/3']);
  });
});

describe('a repair that failed', () => {
  const ended = (outcome: RunRecord['outcome'], hoursAgo: number): RunRecord => ({
    ...run,
    outcome,
    endedAt: new Date(now.getTime() - hoursAgo * 3_600_000).toISOString(),
  });
  const id = run.plan.finding.id;

  it.each([
    ['no earlier run', [], true],
    ['a failure within the cooldown', [ended('rolled-back', 1)], false],
    ['a failure before the cooldown', [ended('failed', 3)], true],
    ['two failures, which double it', [ended('stuck', 3), ended('failed', 9)], false],
    ['two failures, long ago', [ended('stuck', 5), ended('failed', 9)], true],
    ['many failures, up to the longest wait', Array.from({ length: 9 }, (_, at) => ended('failed', 9 + at)), true],
    ['a fix since the failures', [ended('fixed', 1), ended('failed', 1.5)], true],
    ['a failure since the fix', [ended('failed', 1), ended('fixed', 5), ended('failed', 6)], false],
  ] as const)('is tried again or not after %s', (_, earlier, expected) => {
    expect(mayTryAgain(id, earlier, { baseHours: 2, maximumHours: 8 }, now)).toBe(expected);
  });

  it('does not hold up another finding', () => {
    expect(mayTryAgain('memory/other/kind', [ended('failed', 0)], { baseHours: 2, maximumHours: 8 }, now)).toBe(true);
  });
});

describe('the verdict of the status', () => {
  const up: InstanceView = {
    ...instance,
    status: 'up',
    reason: null,
    notLookedAt: [],
    fullyCheckedAt: '2026-11-30T11:59:00.000Z',
  };
  const round: RoundView = {
    id: 'c1',
    kind: 'full',
    startedAt: '2026-11-30T11:58:00.000Z',
    endedAt: '2026-11-30T11:59:00.000Z',
    instances: null,
    findings: 0,
    notLookedAt: 0,
    failure: null,
  };
  const seen = {
    schemaVersion: 1,
    at: now.toISOString(),
    service: { pid: 1, startedAt: round.startedAt, address: null },
    engines: [],
    instances: [up],
    findings: [],
    jobs: [],
    lastRound: round,
    lastLookAt: round.endedAt,
    runs: { waiting: 0, stuck: 0 },
  } as const;
  const blind = { remediator: 'memory', instance: up.instance, reason: 'no answer' };

  it.each([
    ['everything is in order', {}, 'healthy'],
    [
      'a check can never run',
      { instances: [{ ...up, notLookedAt: [{ ...blind, lasting: true as const }] }] },
      'healthy',
    ],
    ['a check could not run', { instances: [{ ...up, notLookedAt: [blind] }] }, 'unknown'],
    ['an instance is down', { instances: [up, { ...up, status: 'down' as const }] }, 'problems'],
    ['an instance is unknown', { instances: [up, { ...up, status: 'unknown' as const }] }, 'unknown'],
    ['something was found', { findings: view.findings.slice(0, 1) }, 'problems'],
    ['a run is stuck', { runs: { waiting: 0, stuck: 1 } }, 'problems'],
    ['no service runs, whatever it last saw', { service: null }, 'unknown'],
    ['no full round has ended', { lastRound: null }, 'unknown'],
    ['the last full round failed', { lastRound: { ...round, failure: 'away' } }, 'unknown'],
    ['the last full round is old', { lastRound: { ...round, endedAt: '2026-11-30T11:40:00.000Z' } }, 'unknown'],
    ['an instance is newer than the last full round', { instances: [up, { ...up, fullyCheckedAt: null }] }, 'unknown'],
    [
      'the last full round was of another instance',
      { instances: [up, { ...up, fullyCheckedAt: '2026-11-30T11:40:00.000Z' }] },
      'unknown',
    ],
    ['there is no instance', { instances: [] }, 'problems'],
  ])('when %s', (_, changed, verdict) => {
    expect(judged({ ...seen, ...changed }, '5m', now).verdict).toBe(verdict);
  });
});

describe('the service manager', () => {
  it('is told nothing unless it started the service, or without its program', () => {
    expect(serviceManager({}, () => true)).toBeUndefined();
    expect(serviceManager({ NOTIFY_SOCKET: '/run/x' }, () => false)).toBeUndefined();
  });

  it('gets signs of life only if it asked this process for them', () => {
    const asked = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '9000000' };
    expect(serviceManager(asked, () => true)?.watchdogMs).toBe(9_000);
    expect(serviceManager({ ...asked, WATCHDOG_PID: '1' }, () => true)?.watchdogMs).toBeUndefined();
  });
});
