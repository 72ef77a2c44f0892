import type { Answers } from '../../src/page/answers.ts';
import type { InstanceSample, InstanceView, ServiceView } from '../../src/service/types.ts';
import { minutesAgo, sampleBackup, sampleNow, sampleRun, sampleView } from '../service/sample-view.ts';

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;

/** A wave between 0 and 1 that is the same every time. */
function wave(at: number, period: number): number {
  return (1 + Math.sin((at / period) * 2 * Math.PI)) / 2;
}

/** Seven days, a sample for each quarter of an hour; the last states are those of the instance. */
function samplesOf({ instance, status, memory, connections }: InstanceView): readonly InstanceSample[] {
  const now = Date.parse(sampleNow);
  const seed = Buffer.from(instance).reduce((sum, byte) => sum + byte, 0);
  return Array.from({ length: 673 }, (_, index) => {
    const minutes = (672 - index) * 15;
    const at = now - minutes * 60_000;
    const busy =
      0.5 * wave(at, 86_400_000) + 0.3 * wave(at + seed * 1e6, 21_600_000) + 0.2 * wave(at, 5_400_000 + seed * 1000);
    const limit = memory.limit ?? GiB;
    const then: InstanceSample['status'] =
      minutes < 45
        ? status
        : status === 'unknown' && minutes < 75
          ? 'unknown'
          : instance === 'users' && minutes > 280 && minutes < 300
            ? 'down'
            : 'up';
    const seen = then === 'up';
    return {
      at: new Date(at).toISOString(),
      status: then,
      memoryUsage: seen ? Math.round((memory.usage ?? limit * 0.8) * (0.72 + 0.28 * busy)) : null,
      memoryLimit: limit,
      memoryWorstCase: memory.worstCase,
      connections: seen ? Math.round((connections?.used ?? 20) * (0.3 + 0.7 * busy)) : null,
      connectionsLimit: connections?.limit ?? 100,
      databaseBytes: 3 * GiB,
      findings: seen && minutes < 120 && ['orders', 'search', 'sessions'].includes(instance) ? 1 : 0,
    };
  });
}

type Priority = Answers['GET /tasks']['tasks'][number]['task']['priority'];

function priorityOf(impact: number, urgency: number, success: number, cost: number): Priority {
  const words = { urgency: ['', 'low', 'medium', 'high', 'critical'], cost: ['', 'minimal', 'moderate', 'heavy'] };
  const factor = (
    name: Priority['factors'][number]['name'],
    estimate: string | number,
    scale: number,
    weight: number,
  ) => ({
    name,
    estimate,
    scale,
    weight,
    weighted: Number((scale * weight).toFixed(6)),
    provenance: name === 'success' ? ('learned' as const) : ('stated' as const),
    reason: name === 'success' ? 'Learned from 14 attempts of the same class.' : `Stated as ${name} in the record.`,
  });
  const score = (impact * urgency * 0.8 * success * 0.6) / (cost * 0.5);
  return {
    score: Number(score.toFixed(6)),
    band: score >= 20 ? 'critical' : score >= 8 ? 'high' : score >= 3 ? 'medium' : 'low',
    factors: [
      factor('impact', impact, impact, 1),
      factor('urgency', words.urgency[urgency] ?? '', urgency, 0.8),
      factor('success', success, success, 0.6),
      factor('cost', words.cost[cost] ?? '', cost, 0.5),
      {
        name: 'cooldown',
        estimate: 0,
        scale: 1,
        weight: 1,
        weighted: 1,
        provenance: 'attempts',
        reason: 'No attempt has failed.',
      },
    ],
  };
}

const tasks: Answers['GET /tasks']['tasks'] = (
  [
    [
      'Memory of billing is too small',
      'oom-kills',
      'postgres',
      'resource-exhaustion',
      'memory-limits',
      'approve',
      priorityOf(9, 4, 0.9, 1),
    ],
    [
      'Port Allocation Conflicts',
      'port-conflicts',
      'postgres',
      'resource-conflict',
      'port-reassignment',
      'auto',
      priorityOf(8, 3, 0.9, 2),
    ],
    [
      'Stale sessions survive a logout',
      'stale-sessions',
      'cache',
      'other',
      'agent',
      'approve',
      priorityOf(7, 3, 0.95, 1),
    ],
    [
      'Nightly backups are not restored anywhere',
      'unproven-backups',
      'postgres',
      'backup',
      'backup-repair',
      'auto',
      priorityOf(8, 2, 0.7, 2),
    ],
    ['The mail queue stops at night', 'mail-queue', 'mail', 'other', 'person', 'human', priorityOf(5, 2, 0.5, 2)],
    [
      'Slow search after an import',
      'slow-search',
      'search',
      'performance',
      'agent',
      'approve',
      priorityOf(4, 1, 0.6, 3),
    ],
  ] as const
).map(([title, problem, component, group, handler, automation, priority]) => ({
  id: `resolution-${component}--${problem}`,
  status:
    problem === 'stale-sessions'
      ? ({
          state: 'claimed',
          worker: 'agent@build',
          token: 4,
          since: minutesAgo(12),
          leaseUntil: minutesAgo(-3),
          progress: null,
          stopping: null,
        } as const)
      : ({ state: 'open', waiting: null } as const),
  task: {
    id: `resolution-${component}--${problem}`,
    kind: 'resolution' as const,
    title,
    description: `Problem: ${title}.\n\nUsers affected: one project at a time.\n\nRoot cause: Known.`,
    problem,
    component,
    target: `resources/${component}/PROBLEMS.md`,
    class: group as Answers['GET /tasks']['tasks'][number]['task']['class'],
    classReason: 'Its title names the class.',
    handler,
    handlerReason: handler === 'agent' ? 'No remediator fits.' : `The remediator ${handler} handles it.`,
    automation,
    automationReason: 'The config names it.',
    priority,
  },
}));

function rate(share: number, spread: number) {
  return { rate: share, low: Math.max(0, share - spread), high: Math.min(1, share + spread) };
}

const stats: Answers['GET /stats'] = {
  since: minutesAgo(30 * 24 * 60),
  creation: {
    before: rate(0.86, 0.08),
    after: rate(0.95, 0.05),
    better: 0.97,
    trials: { before: 140, after: 41 },
    verdict: 'improved',
  },
  backup: {
    before: rate(0.91, 0.07),
    after: rate(0.93, 0.08),
    better: 0.6,
    trials: { before: 60, after: 48 },
    verdict: 'may be chance',
  },
  repair: {
    before: rate(0.6, 0.3),
    after: rate(0.82, 0.14),
    better: 0.9,
    trials: { before: 3, after: 17 },
    verdict: 'too few',
  },
  handlers: [
    {
      handler: 'port-reassignment',
      ...rate(0.93, 0.1),
      attempts: 14,
      fixed: 13,
      recurred: 1,
      minutes: { median: 0.4, most: 1.2 },
      downtimeMs: 61_000,
    },
    {
      handler: 'memory-limits',
      ...rate(0.75, 0.2),
      attempts: 8,
      fixed: 6,
      recurred: 2,
      minutes: { median: 1.1, most: 3 },
      downtimeMs: 94_000,
    },
    {
      handler: 'agent',
      ...rate(0.5, 0.35),
      attempts: 4,
      fixed: 2,
      recurred: 0,
      minutes: { median: 42, most: 90 },
      downtimeMs: 0,
    },
  ],
  timeToRepair: [
    { kind: 'port-taken', fixed: 13, median: 0.4, most: 1.2 },
    { kind: 'oom-killed', fixed: 6, median: 1.1, most: 3 },
    { kind: 'resolution', fixed: 2, median: 42, most: 90 },
  ],
  recurrences: { fixed: 21, recurred: 3 },
  wentAway: 4,
  downtimeMs: { before: 240_000, after: 155_000 },
};

const forecast: Answers['GET /forecast'] = {
  conflict: {
    batch: { at: sampleNow, tries: 3, range: 67, used: 31 } as never,
    probability: 0.12,
    batches: 9,
    record: null,
  },
  ports: { range: '5433-5499', free: 36, perDay: 0.4, days: { value: 90, low: 61, high: 160 } },
  limits: [
    { instance: 'search', of: 'memory', limit: 2 * GiB, now: 1.88 * GiB, days: { value: 11, low: 6, high: 24 } },
  ],
  trends: null,
};

function fleetOf(view: ServiceView): Answers['GET /fleet'] {
  const instances = view.instances
    .filter(({ engine }) => engine === 'local')
    .map(({ instance, container, memory, status }) => {
      const limit = memory.limit ?? 0;
      const worstCase = memory.worstCase ?? 0;
      const findings = limit === 0 ? (['no-limit'] as const) : worstCase > limit * 0.8 ? (['worst-case'] as const) : [];
      return {
        instance,
        container: container ?? '',
        running: status === 'up',
        limit,
        sharedBuffers: 128 * MiB,
        maxConnections: 100,
        worstCase,
        usable: limit * 0.8,
        share: (limit || worstCase) / (13.6 * GiB),
        findings,
        unknown: [],
      };
    });
  const promised = instances.reduce((sum, { limit, worstCase }) => sum + (limit || worstCase), 0) + GiB;
  return {
    instances,
    others: [{ container: 'shop-web', limit: GiB }],
    host: {
      memory: 16 * GiB,
      reserve: 2.4 * GiB,
      budget: 13.6 * GiB,
      promised,
      left: 13.6 * GiB - promised,
      within: true,
      unlimited: ['users'],
    },
  };
}

/** Two weeks of nightly backups for each instance of the view, as far as its own list goes. */
function backupsOf(view: ServiceView): Answers['GET /backups'] {
  const instances = view.backups.map((one) => {
    if (one.backups.length < 2) return one;
    const older = Array.from({ length: 12 }, (_, night) =>
      sampleBackup({
        instance: one.instance,
        createdAt: minutesAgo((night + 2) * 1440 + 570),
        reached: night % 7 === 5 ? 'L6' : night % 7 === 1 ? 'L5' : night === 3 ? 'L2' : 'L4',
        verdict: night === 3 ? 'unproven' : 'good',
      }),
    );
    return { ...one, backups: [...one.backups, ...older] };
  });
  const proofs = instances
    .filter(({ instance }) => instance === 'orders' || instance === 'users')
    .flatMap(({ engine, instance }, index) =>
      Array.from({ length: 10 }, (_, week) => ({
        engine,
        instance,
        backup: `${instance}/${week}`,
        at: minutesAgo(week * 7 * 1440 + 1920),
        level: 5,
        verdict: 'good' as const,
        restoreSeconds: Math.round(94 + index * 40 - week * 3 + 6 * Math.sin(week)),
      })),
    );
  return { instances, proofs };
}

/** What the API would answer about a view. Routes that need parameters are functions of them. */
export function answersFor(view: ServiceView = sampleView()) {
  const runs = [
    ...view.openRuns,
    sampleRun({
      id: '01jc-users-9',
      phase: 'ended',
      outcome: 'fixed',
      createdAt: minutesAgo(3000),
      startedAt: minutesAgo(2999),
      endedAt: minutesAgo(2998),
      downtimeMs: 11_400,
      approvedBy: 'anna, token laptop',
      plan: {
        summary: 'Move users from port 5433 to port 5440',
        target: { instance: 'users', container: 'c0ffee', volumes: [] },
      },
    }),
  ];
  return {
    view,
    runs,
    tasks,
    stats,
    forecast,
    fleet: fleetOf(view),
    backups: backupsOf(view),
    samplesOf,
  };
}
