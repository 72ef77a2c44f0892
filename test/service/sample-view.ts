import type { Backup, BackupCheck, BackupLevel } from '../../src/backups/types.ts';
import { judgeBackups } from '../../src/backups/verdict.ts';
import { hostBudget } from '../../src/postgres/tuning/memory-fit.ts';
import { findingId, type Finding, type Plan } from '../../src/remediation/contract.ts';
import type { RunRecord } from '../../src/remediation/store/store.ts';
import { uncheckedInstances } from '../../src/service/instance-state.ts';
import { severityOf } from '../../src/service/track-findings.ts';
import type {
  AlertView,
  BackupsView,
  DeliveryView,
  InstanceView,
  JobView,
  RoundView,
  ServiceView,
  TrackedFinding,
} from '../../src/service/types.ts';

/*
 * A service that watches seven instances, as plain data, for tests of everything that reads a view. Nothing depends on the
 * clock: it is always noon of the last day of November. Each function takes what shall be different.
 */

export const sampleNow = '2026-11-30T12:00:00.000Z';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** The time so many minutes before the sample's now. */
export function minutesAgo(minutes: number): string {
  return new Date(Date.parse(sampleNow) - minutes * 60_000).toISOString();
}

/** A healthy instance with checksums, two reachable clients and a good backup. */
export function sampleInstance(changes: Partial<InstanceView> = {}): InstanceView {
  const instance = changes.instance ?? 'orders';
  return {
    engine: 'local',
    instance,
    status: 'up',
    reason: null,
    since: minutesAgo(3 * 24 * 60),
    checkedAt: minutesAgo(0.25),
    fullyCheckedAt: minutesAgo(3),
    container: `vrooli-postgres-${instance}`,
    image: 'postgres:17.5',
    serverVersion: '17.5',
    address: '127.0.0.1:5433',
    memory: { usage: 410 * MiB, limit: GiB, worstCase: 720 * MiB },
    connections: { used: 18, limit: 100 },
    databaseBytes: 3_221_225_472,
    checksumFailures: 0,
    restarts: 0,
    oomKills: 0,
    suspended: null,
    notLookedAt: [],
    clients: [
      { client: 'adminer', reachable: true, reason: null },
      { client: 'pgweb', reachable: true, reason: null },
    ],
    backups: sampleBackups({ instance }).verdict,
    ...changes,
  };
}

/** A finding of `port-reassignment`, open for two hours. `changes.finding` may name another remediator, instance and kind. */
export function sampleFinding({
  finding = {},
  ...changes
}: Partial<Omit<TrackedFinding, 'finding'>> & {
  readonly finding?: Partial<TrackedFinding['finding']>;
} = {}): TrackedFinding {
  const { remediator = 'port-reassignment', instance = 'orders', kind = 'port-taken' } = finding;
  const full: TrackedFinding['finding'] = {
    id: findingId(remediator, instance, kind),
    remediator,
    instance,
    kind,
    summary: `Port 5433 of ${instance} is in use by another process.`,
    risk: 'restart',
    evidence: [
      {
        type: 'docker',
        object: `vrooli-postgres-${instance}`,
        field: 'State.Error',
        value: 'address already in use',
      },
      { type: 'log', at: minutesAgo(121), text: 'FATAL:  <script>alert(1)</script> could not bind "0.0.0.0"' },
    ],
    problem: null,
    ...finding,
  };
  return {
    engine: 'local',
    finding: full,
    severity: severityOf(full),
    firstSeen: minutesAgo(120),
    lastSeen: minutesAgo(3),
    goneAt: null,
    recurrences: 0,
    acknowledged: null,
    silencedUntil: null,
    ...changes,
  };
}

/** A run that waits for approval. `changes.plan` may change its plan. */
export function sampleRun({
  plan = {},
  ...changes
}: Partial<Omit<RunRecord, 'plan'>> & { readonly plan?: Partial<Plan> } = {}): RunRecord {
  const { finding } = sampleFinding();
  const full: Finding = { ...finding, details: { port: 5433 } };
  return {
    id: '01jd-orders-1',
    project: '/srv/shop',
    plan: {
      type: 'plan',
      remediator: full.remediator,
      finding: full,
      target: { instance: full.instance, container: 'c0ffee00c0ffee00', volumes: [`volume:${full.instance}`] },
      summary: 'Move orders from port 5433 to port 5437',
      done: 'orders moved from port 5433 to 5437',
      steps: [
        { action: 'container.recreate', params: { ref: 'vrooli-postgres-orders' }, why: 'Ports are fixed at creation' },
      ],
      cleanup: [],
      leftovers: [],
      risk: 'restart',
      downtime: { seconds: 12, why: 'the container is recreated' },
      unpredictable: [],
      undo: 'The old container is started again.',
      expected: { port: 5437 },
      ...plan,
    },
    decision: {
      automation: 'approve',
      source: 'config',
      reasons: ['port-reassignment needs approval in problems.config.yaml'],
      operations: ['recreate'],
    },
    phase: 'awaiting-approval',
    outcome: 'awaiting-approval',
    failure: null,
    verification: null,
    steps: [
      {
        index: 0,
        part: 'steps',
        action: 'container.recreate',
        state: 'pending',
        startedAt: null,
        endedAt: null,
        error: null,
      },
    ],
    token: null,
    owner: null,
    heartbeatAt: null,
    createdAt: minutesAgo(95),
    startedAt: null,
    endedAt: null,
    approvedBy: null,
    downtimeMs: null,
    dossier: null,
    ...changes,
  };
}

/** A complete backup of last night that was restored once (L4). */
export function sampleBackup(changes: Partial<Backup> = {}): Backup {
  const { instance = 'orders', createdAt = minutesAgo(9.5 * 60), reached = 'L4', verdict = 'good' } = changes;
  const name = changes.name ?? `${createdAt.slice(0, 10)}-0230`;
  return {
    ref: `${instance}/${name}`,
    instance,
    name,
    folder: `/srv/backups/${instance}/${name}`,
    state: 'complete',
    createdAt,
    bytes: 734_003_200,
    files: 4,
    parts: [{ path: 'base.tar.gz', kind: 'base-backup-tar', database: null, bytes: 734_003_200 }],
    postgresVersion: '17.5',
    verification: {
      schemaVersion: 1,
      checks: checksUpTo(reached, verdict),
      files: [],
      filesAt: createdAt,
      filesBy: 'completion',
      tookMs: 41_000,
    },
    verdict,
    reached,
    hasFingerprints: true,
    quarantine: null,
    notes: [],
    ...changes,
  };
}

function checksUpTo(reached: BackupLevel | null, verdict: Backup['verdict']): readonly BackupCheck[] {
  const at = minutesAgo(9 * 60);
  if (verdict === 'bad')
    return [{ level: 'L1', result: 'failed', at, cause: 'truncated', says: ['gzip: unexpected end of file'], ms: 800 }];
  const levels = (['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] as const).filter((level) => level <= (reached ?? ''));
  return levels.map((level) => ({ level, result: 'passed', at, says: [], ms: 1_200 }));
}

/** Two good backups, and a drill of last Sunday that passed in 94 seconds. */
export function sampleBackups(changes: Partial<BackupsView> = {}): BackupsView {
  const {
    instance = 'orders',
    backups = [sampleBackup({ instance }), sampleBackup({ instance, createdAt: minutesAgo(33.5 * 60), reached: 'L5' })],
  } = changes;
  return {
    engine: 'local',
    instance,
    backups,
    repositories: [],
    verdict: judgeBackups(instance, backups, { now: new Date(sampleNow) }),
    lastDrill: { at: minutesAgo(32 * 60), passed: true, seconds: 94 },
    ...changes,
  };
}

export function sampleRound(changes: Partial<RoundView> = {}): RoundView {
  return {
    id: 'round-2026-11-30T11:56:40Z',
    kind: 'full',
    startedAt: minutesAgo(3.3),
    endedAt: minutesAgo(3),
    instances: null,
    findings: 5,
    notLookedAt: 2,
    failure: null,
    ...changes,
  };
}

export function sampleAlert(changes: Partial<AlertView> = {}): AlertView {
  return {
    fingerprint: '5c0de5c0de5c0de5',
    name: 'InstanceDown',
    severity: 'critical',
    engine: 'local',
    instance: 'billing',
    finding: null,
    summary: 'billing does not answer: its container exited with code 137.',
    state: 'firing',
    startsAt: minutesAgo(40),
    endsAt: null,
    acknowledged: null,
    silencedUntil: null,
    sent: [{ channel: 'webhook', state: 'firing', at: minutesAgo(40) }],
    ...changes,
  };
}

function job(name: JobView['name'], schedule: string, started: number | null, changes: Partial<JobView> = {}): JobView {
  return {
    name,
    schedule,
    lastStartedAt: started === null ? null : minutesAgo(started),
    lastEndedAt: started === null ? null : minutesAgo(started - 0.2),
    lastFailure: null,
    nextAt: schedule === 'off' ? null : minutesAgo(-2),
    ...changes,
  };
}

/**
 * Seven instances: `orders` (a finding, a run that waits), `billing` (down after an OOM kill), `archive` (on an engine that is
 * away: unknown), `ledger` (suspended, a damaged backup, a stuck run), `search` (near its memory limit, a repair runs),
 * `sessions` (no backup, a client that cannot reach it) and `users` (nothing is wrong).
 */
export function sampleView(changes: Partial<ServiceView> = {}): ServiceView {
  const backups = sampleBackupsOfAll();
  const schedule = '*/5 * * * *';
  const verdictOf = (name: string) => backups.find(({ instance }) => instance === name)?.verdict ?? null;
  const { instances = sampleInstances(verdictOf) } = changes;
  return {
    at: sampleNow,
    version: '0.1.0',
    startedAt: minutesAgo(2 * 24 * 60),
    state: 'running',
    readOnly: false,
    paused: null,
    engines: [
      {
        name: 'local',
        address: 'unix:///var/run/docker.sock',
        reachable: true,
        reason: null,
        checkedAt: minutesAgo(0.25),
        budget: hostBudget(16 * GiB, [
          { name: 'orders', limit: GiB },
          { name: 'search', limit: 2 * GiB },
          { name: 'users', limit: 0, worstCase: 900 * MiB },
        ]),
      },
      {
        name: 'vault',
        address: 'tcp://10.0.0.7:2376',
        reachable: false,
        reason: 'connect ETIMEDOUT 10.0.0.7:2376',
        checkedAt: minutesAgo(0.3),
        budget: null,
      },
    ],
    instances,
    unchecked: uncheckedInstances(instances, schedule, new Date(sampleNow)),
    findings: sampleFindings(),
    openRuns: sampleRuns(),
    backups,
    jobs: [
      job('light-look', '30s', 0.25),
      job('full-round', schedule, 3.3),
      job('verify-backups', '30 2 * * *', 570, { nextAt: '2026-12-01T02:30:00.000Z' }),
      job('drill', '0 4 * * 0', 1_920, { nextAt: '2026-12-06T04:00:00.000Z' }),
      job('drill-archive', '0 4 * * 0#1', null, { nextAt: '2026-12-06T04:00:00.000Z' }),
      job('remediate', 'off', null),
      job('record', '*/5 * * * *', 3, { lastFailure: 'resources/postgres/PROBLEMS.md is read-only' }),
    ],
    alerts: [
      sampleAlert(),
      sampleAlert({
        fingerprint: '00000000000000aa',
        name: 'Suspended',
        severity: 'high',
        instance: 'ledger',
        summary: 'Repairs of ledger are suspended: a backup has damaged pages.',
        startsAt: minutesAgo(600),
        acknowledged: { by: 'anna', at: minutesAgo(500), comment: 'Checked with the owner; restoring on Tuesday.' },
      }),
      sampleAlert({
        fingerprint: '00000000000000bb',
        name: 'MemoryNearLimit',
        severity: 'medium',
        instance: 'search',
        summary: 'search uses 94% of its memory limit.',
        state: 'suppressed',
        startsAt: minutesAgo(20),
        sent: [],
      }),
      sampleAlert({
        fingerprint: '00000000000000cc',
        name: 'InstanceDown',
        instance: 'users',
        summary: 'users does not answer: its container was stopped.',
        state: 'resolved',
        startsAt: minutesAgo(300),
        endsAt: minutesAgo(290),
        sent: [{ channel: 'webhook', state: 'resolved', at: minutesAgo(290) }],
      }),
    ],
    deliveries: sampleDeliveries(),
    lastRound: sampleRound(),
    runningRound: null,
    lastLookAt: minutesAgo(0.25),
    registry: {
      problems: [
        { component: 'postgres', severity: 'critical', status: 'active', count: 2 },
        { component: 'postgres', severity: 'high', status: 'active', count: 5 },
        { component: 'shop', severity: 'medium', status: 'resolved', count: 11 },
      ],
      tasks: [
        { kind: 'resolution', band: 'critical', count: 2 },
        { kind: 'investigation', band: 'medium', count: 4 },
      ],
    },
    creations: { started: 41, failed: 2 },
    ...changes,
  };
}

function sampleInstances(verdictOf: (name: string) => InstanceView['backups']): readonly InstanceView[] {
  return [
    sampleInstance({
      instance: 'billing',
      status: 'down',
      reason: 'Its container exited with code 137.',
      since: minutesAgo(40),
      memory: { usage: null, limit: 512 * MiB, worstCase: 900 * MiB },
      connections: null,
      databaseBytes: null,
      checksumFailures: null,
      restarts: 3,
      oomKills: 2,
      clients: [{ client: 'adminer', reachable: false, reason: 'connection refused' }],
      backups: verdictOf('billing'),
    }),
    sampleInstance({
      instance: 'ledger',
      checksumFailures: 4,
      suspended: { reason: 'a backup has damaged pages', since: minutesAgo(600) },
      backups: verdictOf('ledger'),
    }),
    sampleInstance({ backups: verdictOf('orders') }),
    sampleInstance({
      instance: 'search',
      image: 'pgvector/pgvector:pg16',
      serverVersion: '16.9',
      memory: { usage: 1_925 * MiB, limit: 2 * GiB, worstCase: 2_600 * MiB },
      connections: { used: 92, limit: 100 },
      backups: verdictOf('search'),
    }),
    sampleInstance({
      instance: 'sessions',
      checksumFailures: null,
      notLookedAt: [
        { remediator: 'memory', instance: 'sessions', reason: 'pg_stat_activity cannot be read: permission denied' },
        { remediator: 'volume-permissions', instance: 'sessions', reason: 'data is in the container', lasting: true },
      ],
      fullyCheckedAt: minutesAgo(50),
      clients: [{ client: 'pgweb', reachable: false, reason: 'could not translate host name "sessions" to address' }],
      backups: verdictOf('sessions'),
    }),
    sampleInstance({
      instance: 'users',
      memory: { usage: 180 * MiB, limit: 0, worstCase: 900 * MiB },
      backups: verdictOf('users'),
    }),
    sampleInstance({
      engine: 'vault',
      instance: 'archive',
      status: 'unknown',
      reason: 'Its engine does not answer: connect ETIMEDOUT 10.0.0.7:2376.',
      since: minutesAgo(70),
      checkedAt: minutesAgo(71),
      fullyCheckedAt: minutesAgo(75),
      memory: { usage: null, limit: GiB, worstCase: null },
      connections: null,
      databaseBytes: null,
      checksumFailures: null,
      notLookedAt: [
        { remediator: 'availability', instance: 'archive', reason: 'connect ETIMEDOUT 10.0.0.7:2376' },
        { remediator: 'memory', instance: 'archive', reason: 'connect ETIMEDOUT 10.0.0.7:2376' },
      ],
      clients: [],
      backups: null,
    }),
  ];
}

function sampleFindings(): readonly TrackedFinding[] {
  return [
    sampleFinding({
      finding: {
        remediator: 'memory',
        instance: 'billing',
        kind: 'oom-killed',
        summary: 'The kernel killed billing at its memory limit of 512 MiB, twice within an hour.',
        down: true,
        problem: 'oom-kills',
      },
      firstSeen: minutesAgo(40),
      recurrences: 2,
    }),
    sampleFinding({
      finding: {
        remediator: 'backup-repair',
        instance: 'ledger',
        kind: 'source-damaged',
        summary: 'Data of ledger is damaged in the database itself: its newest backups have the damage too.',
        risk: 'data',
        corruption: true,
      },
      firstSeen: minutesAgo(600),
      acknowledged: { by: 'anna', at: minutesAgo(500), comment: 'Restoring on Tuesday.' },
    }),
    sampleFinding({ finding: { problem: 'port-conflicts' } }),
    sampleFinding({
      finding: {
        remediator: 'backup-repair',
        instance: 'sessions',
        kind: 'no-backup',
        summary: 'No backup of sessions was found.',
        risk: 'safe',
      },
      firstSeen: minutesAgo(3 * 24 * 60),
    }),
    sampleFinding({
      finding: {
        remediator: 'memory',
        instance: 'search',
        kind: 'worst-case-over-limit',
        summary: 'search may need 2.5 GiB in the worst case, and has a limit of 2 GiB.',
      },
      firstSeen: minutesAgo(26 * 60),
      silencedUntil: minutesAgo(-120),
    }),
    sampleFinding({
      finding: {
        remediator: 'network-reconnect',
        instance: 'users',
        kind: 'loopback',
        summary: 'pgweb connects to localhost, where no server is.',
        risk: 'safe',
      },
      firstSeen: minutesAgo(20 * 60),
      lastSeen: minutesAgo(6 * 60),
      goneAt: minutesAgo(5.9 * 60),
    }),
  ];
}

function sampleRuns(): readonly RunRecord[] {
  const [down, damaged] = sampleFindings();
  const running = sampleRun({
    id: '01jd-billing-2',
    phase: 'running',
    outcome: null,
    createdAt: minutesAgo(2),
    startedAt: minutesAgo(1.5),
    approvedBy: 'anna',
    ...(down === undefined
      ? {}
      : {
          plan: {
            finding: { ...down.finding, details: {} },
            remediator: 'memory',
            summary: 'Raise the memory limit of billing to 1 GiB',
          },
        }),
  });
  const stuck = sampleRun({
    id: '01jd-ledger-3',
    phase: 'ended',
    outcome: 'stuck',
    failure: { class: 'rollback-failed', message: 'The old container could not be started: no such image.' },
    createdAt: minutesAgo(610),
    startedAt: minutesAgo(609),
    endedAt: minutesAgo(600),
    downtimeMs: 94_000,
    dossier: '/srv/shop/.problems/reports/01jd-ledger-3.md',
    ...(damaged === undefined
      ? {}
      : {
          plan: {
            finding: { ...damaged.finding, details: {} },
            remediator: 'backup-repair',
            summary: 'Set a damaged backup of ledger aside',
          },
        }),
  });
  return [running, sampleRun(), stuck];
}

function sampleBackupsOfAll(): readonly BackupsView[] {
  const bad = sampleBackup({ instance: 'ledger', verdict: 'bad', reached: null });
  const old = sampleBackup({ instance: 'search', createdAt: minutesAgo(50 * 60) });
  const unproven = sampleBackup({ instance: 'billing', reached: 'L2', verdict: 'unproven' });
  return [
    sampleBackups({ instance: 'billing', backups: [unproven], lastDrill: null }),
    sampleBackups({
      instance: 'ledger',
      backups: [bad, sampleBackup({ instance: 'ledger', createdAt: minutesAgo(33.5 * 60) })],
      lastDrill: { at: minutesAgo(32 * 60), passed: false, seconds: 61 },
    }),
    sampleBackups(),
    sampleBackups({
      instance: 'search',
      backups: [old],
      lastDrill: { at: minutesAgo(20 * 24 * 60), passed: true, seconds: 130 },
    }),
    sampleBackups({ instance: 'sessions', backups: [], lastDrill: null }),
    sampleBackups({ instance: 'users' }),
  ];
}

function sampleDeliveries(): readonly DeliveryView[] {
  return [
    { at: minutesAgo(40), channel: 'webhook', alerts: 2, attempts: 1, failure: null },
    { at: minutesAgo(40), channel: 'slack', alerts: 2, attempts: 3, failure: 'the server answered 503' },
    { at: minutesAgo(290), channel: 'webhook', alerts: 1, attempts: 2, failure: null },
  ];
}
