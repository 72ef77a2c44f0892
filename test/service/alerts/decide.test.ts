import { describe, expect, it } from 'vitest';
import type { AlertSettings } from '../../../src/service/alerts/settings.ts';
import { decideAlerts } from '../../../src/service/alerts/decide.ts';
import { addReading, lastHourOf } from '../../../src/service/alerts/last-hour.ts';
import { dueNotifications, markSent } from '../../../src/service/alerts/notifications.ts';
import type { RuleFacts } from '../../../src/service/alerts/rules.ts';
import type { AlertView, InstanceView, ServiceView } from '../../../src/service/types.ts';
import {
  minutesAgo,
  sampleAlert,
  sampleBackup,
  sampleBackups,
  sampleFinding,
  sampleInstance,
  sampleNow,
  sampleRun,
  sampleView,
} from '../sample-view.ts';

const noWindows: Pick<AlertSettings, 'quiet'> = { quiet: [] };

/** A view in which nothing is wrong. */
function calm(changes: Partial<ServiceView> = {}): ServiceView {
  return sampleView({
    instances: [sampleInstance()],
    findings: [],
    openRuns: [],
    backups: [sampleBackups()],
    alerts: [],
    deliveries: [],
    ...changes,
  });
}

function factsOf(view: ServiceView, now = sampleNow, changes: Partial<RuleFacts> = {}): RuleFacts {
  return { view, now, lastRoundAt: minutesAgo(3), lastHour: lastHourOf([], view), ...changes };
}

function withInstance(changes: Partial<InstanceView>): ServiceView {
  return calm({ instances: [sampleInstance(changes)] });
}

/** Names of the alerts that a view fires from nothing, as `rule/instance`. */
function fired(facts: RuleFacts): readonly string[] {
  const first = decideAlerts(facts, [], new Map(), noWindows);
  return first.changed.map(({ name, instance }) => `${name}/${instance ?? 'service'}`);
}

/** What is left when the condition holds for an hour more. */
function firedLater(facts: RuleFacts): readonly string[] {
  const { pending } = decideAlerts(facts, [], new Map(), noWindows);
  const now = minutesAgo(-61);
  const later = decideAlerts({ ...facts, now, lastRoundAt: now }, [], pending, noWindows);
  return later.changed.map(({ name }) => name);
}

describe('a service where nothing is wrong', () => {
  it('fires nothing', () => {
    expect(fired(factsOf(calm()))).toEqual([]);
    expect(firedLater(factsOf(calm()))).toEqual([]);
  });
});

describe('a rule fires', () => {
  const stale = [sampleBackups({ backups: [sampleBackup({ createdAt: minutesAgo(27 * 60) })] })];
  const drill = (changes: object) => [
    sampleBackups({ lastDrill: { at: minutesAgo(60), passed: true, seconds: 9, ...changes } }),
  ];

  it.each<readonly [rule: string, view: ServiceView]>([
    ['InstanceDown/orders', withInstance({ status: 'down', reason: 'It exited.', since: minutesAgo(1) })],
    ['InstanceDown/orders', withInstance({ status: 'unknown', since: minutesAgo(2) })],
    ['BackupStale/orders', calm({ backups: stale })],
    ['DrillStale/orders', calm({ backups: drill({ at: minutesAgo(9 * 24 * 60) }) })],
    ['DrillStale/orders', calm({ backups: [sampleBackups({ lastDrill: null })] })],
    ['DrillFailed/orders', calm({ backups: drill({ passed: false }) })],
    ['ChecksumFailures/orders', withInstance({ checksumFailures: 1 })],
    ['RunStuck/orders', calm({ openRuns: [sampleRun({ phase: 'ended', outcome: 'stuck' })] })],
    ['ApprovalWaiting/orders', calm({ openRuns: [sampleRun({ createdAt: minutesAgo(61) })] })],
    [
      'NotLookedAt/orders',
      withInstance({
        notLookedAt: [{ remediator: 'memory', instance: 'orders', reason: 'x' }],
        fullyCheckedAt: minutesAgo(31),
      }),
    ],
    ['Suspended/orders', withInstance({ suspended: { reason: 'damage', since: minutesAgo(1) } })],
    [
      'DeliveryFailed/service',
      calm({ deliveries: [{ at: minutesAgo(1), channel: 'slack', alerts: 1, attempts: 3, failure: 'x' }] }),
    ],
    ['ProblemFound/orders', calm({ findings: [sampleFinding()] })],
  ])('%s', (rule, view) => {
    expect(fired(factsOf(view))).toEqual([rule]);
  });

  it.each<readonly [rule: string, view: ServiceView]>([
    ['MemoryNearLimit', withInstance({ memory: { usage: 95, limit: 100, worstCase: null } })],
    ['BackupMissing', calm({ backups: [sampleBackups({ backups: [] })] })],
    ['BackupMissing', calm({ backups: [sampleBackups({ backups: [sampleBackup({ verdict: 'bad' })] })] })],
    ['BackupMissing', calm({ instances: [sampleInstance({ backups: null })], backups: [] })],
  ])('%s only after some time', (rule, view) => {
    expect(fired(factsOf(view))).toEqual([]);
    expect(firedLater(factsOf(view))).toEqual([rule]);
  });

  it('DetectStale when no full round ended well for 15 minutes, but not right after a start', () => {
    const late = { lastRoundAt: minutesAgo(16) };
    expect(fired(factsOf(calm(), sampleNow, late))).toEqual(['DetectStale/service']);
    expect(fired(factsOf(calm({ startedAt: minutesAgo(5) }), sampleNow, late))).toEqual([]);
  });

  it('OomKilled and CreationFailureRate by what was counted within an hour', () => {
    const before = calm({ creations: { started: 10, failed: 0 } });
    const after = calm({
      instances: [sampleInstance({ oomKills: 1 })],
      creations: { started: 14, failed: 1 },
    });
    const readings = addReading([], before, minutesAgo(30));
    expect(fired(factsOf(after, sampleNow, { lastHour: lastHourOf(readings, after) }))).toEqual([
      'CreationFailureRate/service',
      'OomKilled/orders',
    ]);
    const asNew = addReading([], calm({ instances: [] }), minutesAgo(30));
    expect(fired(factsOf(after, sampleNow, { lastHour: lastHourOf(asNew, after) }))).toContain('OomKilled/orders');
    // An hour later the same counters are no news.
    const later = addReading(addReading(readings, after, sampleNow), after, minutesAgo(-61));
    expect(lastHourOf(later, after).creations).toEqual({ started: 0, failed: 0 });
  });

  it('for nothing that can never be checked, and for no drill if drills are off', () => {
    const lasting = { remediator: 'memory', instance: 'orders', reason: 'x', lasting: true } as const;
    expect(fired(factsOf(withInstance({ notLookedAt: [lasting], fullyCheckedAt: minutesAgo(600) })))).toEqual([]);
    const off = calm().jobs.map((job) => (job.name === 'drill' ? { ...job, schedule: 'off' } : job));
    expect(fired(factsOf(calm({ jobs: off, backups: [sampleBackups({ lastDrill: null })] })))).toEqual([]);
  });
});

describe('an alert', () => {
  const down = withInstance({ status: 'down', reason: 'It exited.', since: minutesAgo(5) });
  const [firing] = decideAlerts(factsOf(down), [], new Map(), noWindows).changed;

  it('has the same fingerprint every time, and another one for another instance', () => {
    const [again] = decideAlerts(factsOf(down, minutesAgo(-5)), [], new Map(), noWindows).changed;
    const [other] = decideAlerts(
      factsOf(withInstance({ instance: 'users', status: 'down', since: minutesAgo(5) })),
      [],
      new Map(),
      noWindows,
    ).changed;
    expect(again?.fingerprint).toBe(firing?.fingerprint);
    expect(other?.fingerprint).not.toBe(firing?.fingerprint);
    expect(firing?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  const decided = (
    view: ServiceView,
    previous: readonly (AlertView | undefined)[],
    now = sampleNow,
    quiet = noWindows,
  ) =>
    decideAlerts(
      factsOf(view, now, { lastRoundAt: now }),
      previous.filter((one) => one !== undefined),
      new Map(),
      quiet,
    ).changed;

  it('changes nothing while it holds, and resolves when it is over', () => {
    expect(decided(down, [firing])).toEqual([]);
    expect(decided(calm(), [firing])).toEqual([{ ...firing, state: 'resolved', endsAt: sampleNow }]);
  });

  it('fires again, as new, after it was resolved', () => {
    const resolved = sampleAlert({ ...firing, state: 'resolved', startsAt: minutesAgo(90), endsAt: minutesAgo(80) });
    expect(decided(down, [resolved])).toEqual([{ ...firing, sent: resolved.sent }]);
  });

  it('decides nothing before the first look after a start', () => {
    expect(decided(calm({ state: 'starting' }), [firing])).toEqual([]);
    expect(decided(calm({ lastLookAt: null }), [firing])).toEqual([]);
  });

  it('stays as it is while the instance cannot be asked', () => {
    const [memory] = decideAlerts(factsOf(withInstance({ checksumFailures: 3 })), [], new Map(), noWindows).changed;
    const changed = decided(withInstance({ status: 'down', checksumFailures: null, since: minutesAgo(1) }), [memory]);
    expect(changed.map(({ name, state }) => `${name} ${state}`)).toEqual(['InstanceDown firing']);
  });

  it('is held back in a window and fires at its end if it still holds', () => {
    const window = { quiet: [{ from: '11:00', to: '12:30', instances: ['orders'] }] };
    const [held] = decided(down, [], sampleNow, window);
    expect(held?.state).toBe('suppressed');
    expect(decided(down, [held], minutesAgo(-29), window)).toEqual([]);
    expect(decided(down, [held], minutesAgo(-31), window)).toEqual([{ ...held, state: 'firing' }]);
    expect(decided(calm(), [held], minutesAgo(-31), window)).toEqual([
      { ...held, state: 'resolved', endsAt: minutesAgo(-31) },
    ]);
  });

  it('is held back while it or its finding is silenced', () => {
    const silenced = sampleAlert({ ...firing, silencedUntil: minutesAgo(-60) });
    expect(decided(down, [silenced])).toEqual([{ ...silenced, state: 'suppressed' }]);
    expect(decided(down, [{ ...silenced, state: 'suppressed' }], minutesAgo(-61))).toEqual([silenced]);
    const view = calm({ findings: [sampleFinding({ silencedUntil: minutesAgo(-60) })] });
    expect(decided(view, [])).toMatchObject([{ name: 'ProblemFound', state: 'suppressed', silencedUntil: null }]);
  });

  it('is acknowledged with its finding', () => {
    const acknowledged = { by: 'anna', at: minutesAgo(1), comment: 'known' };
    expect(decided(calm({ findings: [sampleFinding({ acknowledged })] }), [])).toMatchObject([{ acknowledged }]);
  });
});

describe('a notification', () => {
  const webhook = { to: 'webhook', url: 'env:HOOK', name: 'webhook', min: 'medium', instances: undefined } as const;
  const remind = { remindHours: 4 };
  const fresh = sampleAlert({ sent: [] });
  const told = sampleAlert({ sent: [{ channel: 'webhook', state: 'firing', at: minutesAgo(30) }] });
  const due = (alerts: readonly AlertView[], now = sampleNow, channel: object = {}) =>
    dueNotifications({ ...webhook, ...channel }, alerts, remind, now).map((one) => one.alerts.map(({ name }) => name));

  it('is due once when an alert fires, again after four hours, and when it is over', () => {
    expect(due([fresh])).toEqual([['InstanceDown']]);
    expect(due([told])).toEqual([]);
    expect(due([told], minutesAgo(-3.6 * 60))).toEqual([['InstanceDown']]);
    expect(due([{ ...told, state: 'resolved', endsAt: sampleNow }])).toEqual([['InstanceDown']]);
    expect(due([markSent({ ...told, state: 'resolved' }, 'webhook', 'resolved', sampleNow)])).toEqual([]);
  });

  it('never says the end of what was not said', () => {
    expect(due([{ ...fresh, state: 'resolved' }])).toEqual([]);
  });

  it('is not due while the alert is held back, and no reminder after it was acknowledged', () => {
    const acknowledged = { by: 'anna', at: minutesAgo(1), comment: 'known' };
    expect(due([{ ...fresh, state: 'suppressed' }])).toEqual([]);
    expect(due([{ ...told, acknowledged }], minutesAgo(-600))).toEqual([]);
    expect(due([{ ...told, acknowledged, state: 'resolved' }])).toEqual([['InstanceDown']]);
  });

  it('groups by instance and repeats what still fires there', () => {
    const more = sampleAlert({ ...fresh, name: 'BackupStale', severity: 'high', fingerprint: 'b' });
    const other = sampleAlert({ ...fresh, instance: 'users', fingerprint: 'c' });
    expect(due([more, told, other])).toEqual([['InstanceDown', 'BackupStale'], ['InstanceDown']]);
  });

  it('goes to a channel only from its severity on, and about its instances and the service', () => {
    expect(due([{ ...fresh, severity: 'low' }])).toEqual([]);
    expect(due([fresh], sampleNow, { instances: ['orders'] })).toEqual([]);
    expect(due([{ ...fresh, instance: null, engine: null }], sampleNow, { instances: ['orders'] })).toHaveLength(1);
  });

  it('goes to Alertmanager every minute while the alert holds, silenced or not', () => {
    const channel = { to: 'alertmanager', url: 'http://127.0.0.1:9093' };
    expect(due([told], minutesAgo(29.5), channel)).toEqual([]);
    expect(due([told], minutesAgo(29), channel)).toHaveLength(1);
    expect(due([{ ...told, state: 'suppressed' }], minutesAgo(29), channel)).toHaveLength(1);
    expect(due([{ ...fresh, state: 'suppressed' }], sampleNow, channel)).toEqual([]);
  });
});
