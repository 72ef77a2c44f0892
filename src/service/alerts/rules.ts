import { backupFacts, openRunState } from '../facts.ts';
import { missedChecks } from '../instance-state.ts';
import type { AlertView, InstanceView, ServiceView } from '../types.ts';

/** Something that a rule found: about an instance, or about the service if it names none. */
export interface Cause {
  readonly engine: string | null;
  readonly instance: string | null;
  /** One sentence. */
  readonly summary: string;
  /** When it began, if that is known: `forSeconds` counts from then, over a restart too. */
  readonly since?: string;
}

/** What rules decide on. */
export interface RuleFacts {
  readonly view: ServiceView;
  /** RFC 3339. */
  readonly now: string;
  /** When the last full round ended well. */
  readonly lastRoundAt: string | null;
  /** What was counted within the last hour. */
  readonly lastHour: {
    readonly creations: ServiceView['creations'];
    oomKills(instance: InstanceView): number;
  };
}

/** One meaning, said twice: `expr` for Prometheus, `find` for the alerts of the service. */
export interface AlertRule {
  readonly name: string;
  readonly severity: AlertView['severity'];
  /** Of the rule for Prometheus, as a template. */
  readonly summary: string;
  readonly expr: string;
  /** How long it must hold before it fires. */
  readonly forSeconds: number;
  /** What it needs is known only while the instance is up: until then an alert stays as it is. */
  readonly needsAnswer?: true;
  find(facts: RuleFacts): readonly Cause[];
}

const hour = 3_600;
const day = 24 * hour;
/** A week, and a day for the drill to run. */
const drillMaxAge = 8 * day;
const roundMaxAge = 900;
const leastCreations = 5;
const failedShare = 0.1;
const memoryShare = 0.9;
/** The engine may just have been restarted. */
const unknownSeconds = 45;

export const alertRules: readonly AlertRule[] = [
  {
    name: 'InstanceDown',
    severity: 'critical',
    summary: '{{ $labels.pg_instance }} does not answer, or could not be checked.',
    expr: 'problems_instance_up == 0',
    forSeconds: 15,
    find: ({ view }) =>
      each(view, (instance) => {
        const { status, reason, since } = instance;
        if (status === 'up') return undefined;
        const says = status === 'down' ? 'does not answer' : 'could not be checked';
        return {
          summary: `${instance.instance} ${says}${reason === null ? '.' : `: ${reason}`}`,
          since: status === 'down' ? since : later(since, unknownSeconds),
        };
      }),
  },
  {
    name: 'DetectStale',
    severity: 'high',
    summary: 'No full round of checks has ended well for 15 minutes.',
    expr: `time() - problems_detect_last_success_timestamp_seconds > ${roundMaxAge} and time() - problems_start_time_seconds > ${roundMaxAge}`,
    forSeconds: 0,
    find: ({ view, now, lastRoundAt }) =>
      age(view.startedAt, now) > roundMaxAge && (lastRoundAt === null || age(lastRoundAt, now) > roundMaxAge)
        ? [
            ofService(
              `No full round of checks has ended well ${lastRoundAt === null ? 'yet' : `since ${lastRoundAt}`}.`,
            ),
          ]
        : [],
  },
  {
    name: 'BackupStale',
    severity: 'high',
    summary: 'The newest backup of {{ $labels.pg_instance }} is {{ $value | humanizeDuration }} old.',
    expr: 'time() - problems_backup_last_timestamp_seconds > on () group_left () problems_backup_max_age_seconds',
    forSeconds: 0,
    find: ({ view, now }) =>
      each(view, (instance) => {
        const { newestAt, maxAgeSeconds } = backupFacts(view, instance) ?? { newestAt: null, maxAgeSeconds: 0 };
        if (newestAt === null || age(newestAt, now) <= maxAgeSeconds) return undefined;
        return { summary: `The newest backup of ${instance.instance} is ${hours(age(newestAt, now))} old.` };
      }),
  },
  {
    name: 'BackupMissing',
    severity: 'high',
    summary: '{{ $labels.pg_instance }} has no backup, or only bad ones.',
    expr: 'problems_instance_up unless on (pg_instance) sum by (pg_instance) (problems_backups{state=~"good|unproven"}) > 0',
    forSeconds: hour,
    find: ({ view }) =>
      each(view, (instance) => {
        const { good = 0, bad = 0, unproven = 0 } = backupFacts(view, instance)?.counts ?? {};
        if (good + unproven > 0) return undefined;
        return { summary: `${instance.instance} has ${bad > 0 ? 'only bad backups' : 'no backup'}.` };
      }),
  },
  {
    name: 'DrillStale',
    severity: 'low',
    summary: 'No backup of {{ $labels.pg_instance }} was restored as a drill within 8 days.',
    expr: `time() - problems_drill_last_timestamp_seconds > ${drillMaxAge}`,
    forSeconds: 0,
    find: ({ view, now }) =>
      each(view, (instance) => {
        const drill = backupFacts(view, instance)?.drill ?? null;
        if (drill === null || (drill !== 'never' && age(drill.at, now) <= drillMaxAge)) return undefined;
        return { summary: `No backup of ${instance.instance} was restored as a drill within 8 days.` };
      }),
  },
  {
    name: 'DrillFailed',
    severity: 'high',
    summary: 'The last drill of {{ $labels.pg_instance }} failed: its backup does not restore.',
    expr: 'problems_drill_last_success == 0',
    forSeconds: 0,
    find: ({ view }) =>
      each(view, (instance) => {
        const drill = backupFacts(view, instance)?.drill ?? null;
        if (drill === null || drill === 'never' || drill.passed) return undefined;
        return { summary: `The last drill of ${instance.instance} failed: its backup does not restore.` };
      }),
  },
  {
    name: 'CreationFailureRate',
    severity: 'medium',
    summary: '{{ $value | humanizePercentage }} of the containers created within an hour did not start.',
    expr: `sum(increase(problems_instance_creations_total{result="failed"}[1h])) / sum(increase(problems_instance_creations_total[1h])) > ${failedShare} and sum(increase(problems_instance_creations_total[1h])) >= ${leastCreations}`,
    forSeconds: 0,
    find({ lastHour: { creations } }) {
      const total = creations.started + creations.failed;
      if (total < leastCreations || creations.failed / total <= failedShare) return [];
      return [ofService(`${creations.failed} of ${total} containers created within an hour did not start.`)];
    },
  },
  {
    name: 'MemoryNearLimit',
    severity: 'medium',
    summary: '{{ $labels.pg_instance }} uses {{ $value | humanizePercentage }} of its memory limit.',
    expr: `problems_instance_memory_usage_bytes / (problems_instance_memory_limit_bytes > 0) > ${memoryShare}`,
    forSeconds: 300,
    needsAnswer: true,
    find: ({ view }) =>
      each(view, ({ instance, memory: { usage, limit } }) => {
        if (usage === null || limit === null || limit === 0 || usage / limit <= memoryShare) return undefined;
        return { summary: `${instance} uses ${Math.round((100 * usage) / limit)}% of its memory limit.` };
      }),
  },
  {
    name: 'OomKilled',
    severity: 'high',
    summary: 'The kernel killed a process of {{ $labels.pg_instance }} at its memory limit within the last hour.',
    expr: 'increase(problems_instance_oom_kills_total[1h]) > 0',
    forSeconds: 0,
    find: ({ view, lastHour }) =>
      each(view, (instance) =>
        lastHour.oomKills(instance) > 0
          ? {
              summary: `The kernel killed a process of ${instance.instance} at its memory limit within the last hour.`,
            }
          : undefined,
      ),
  },
  {
    name: 'ChecksumFailures',
    severity: 'critical',
    summary: '{{ $labels.pg_instance }} has read {{ $value }} pages with a wrong checksum.',
    expr: 'problems_instance_checksum_failures_total > 0',
    forSeconds: 0,
    needsAnswer: true,
    find: ({ view }) =>
      each(view, ({ instance, checksumFailures }) =>
        checksumFailures !== null && checksumFailures > 0
          ? { summary: `${instance} has read ${checksumFailures} pages with a wrong checksum.` }
          : undefined,
      ),
  },
  {
    name: 'RunStuck',
    severity: 'high',
    summary: '{{ $value }} repairs are stuck: neither finished nor undone.',
    expr: 'problems_runs_open{state="stuck"} > 0',
    forSeconds: 0,
    find: ({ view }) => ofRuns(view, 'stuck', (id) => `Run ${id} is stuck: neither finished nor undone.`),
  },
  {
    name: 'ApprovalWaiting',
    severity: 'medium',
    summary: '{{ $value }} repairs have waited for approval for an hour.',
    expr: 'problems_runs_open{state="awaiting_approval"} > 0',
    forSeconds: hour,
    find: ({ view }) => ofRuns(view, 'awaiting_approval', (id) => `Run ${id} waits for approval.`),
  },
  {
    name: 'NotLookedAt',
    severity: 'medium',
    summary: 'Checks of {{ $labels.pg_instance }} could not run for 30 minutes.',
    expr: 'sum by (pg_instance) (problems_not_looked_at) > 0',
    forSeconds: 1_800,
    find: ({ view }) =>
      each(view, (one) => {
        const { instance, fullyCheckedAt } = one;
        const names = missedChecks(one).map(({ remediator }) => remediator);
        if (names.length === 0) return undefined;
        const shown = names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
        return {
          summary: `Checks of ${instance} could not run: ${shown.join(', ')}.`,
          since: fullyCheckedAt ?? view.startedAt,
        };
      }),
  },
  {
    name: 'Suspended',
    severity: 'medium',
    summary: 'Repairs of {{ $labels.pg_instance }} are suspended until someone has checked it.',
    expr: 'problems_instance_suspended == 1',
    forSeconds: 0,
    find: ({ view }) =>
      each(view, ({ instance, suspended }) =>
        suspended === null ? undefined : { summary: `Repairs of ${instance} are suspended: ${suspended.reason}` },
      ),
  },
  {
    name: 'DeliveryFailed',
    severity: 'high',
    summary: 'Alerts could not be delivered by {{ $labels.channel }}.',
    expr: 'increase(problems_alerts_failed_total[15m]) > 0',
    forSeconds: 0,
    find({ view, now }) {
      const last = new Map(view.deliveries.toReversed().map((delivery) => [delivery.channel, delivery]));
      const failed = [...last.values()]
        .filter(({ at, failure }) => failure !== null && age(at, now) <= hour)
        .map(({ channel }) => channel);
      return failed.length === 0
        ? []
        : [ofService(`Alerts could not be delivered by ${failed.toSorted().join(', ')}.`)];
    },
  },
];

function each(
  view: ServiceView,
  find: (instance: InstanceView) => Pick<Cause, 'summary' | 'since'> | undefined,
): readonly Cause[] {
  return view.instances.flatMap((instance) => {
    const found = find(instance);
    return found === undefined ? [] : [{ engine: instance.engine, instance: instance.instance, ...found }];
  });
}

function ofService(summary: string): Cause {
  return { engine: null, instance: null, summary };
}

/** One cause for each instance: of its oldest run in that state. */
function ofRuns(
  view: ServiceView,
  state: ReturnType<typeof openRunState>,
  says: (id: string) => string,
): readonly Cause[] {
  const runs = view.openRuns
    .filter((run) => openRunState(run) === state)
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  const byInstance = Map.groupBy(runs, ({ plan }) => plan.target.instance);
  return [...byInstance].flatMap(([name, [oldest]]) => {
    const owner = view.instances.find(({ instance }) => instance === name);
    return oldest === undefined
      ? []
      : [{ engine: owner?.engine ?? null, instance: name, summary: says(oldest.id), since: oldest.createdAt }];
  });
}

function age(at: string, now: string): number {
  return (Date.parse(now) - Date.parse(at)) / 1_000;
}

function later(at: string, seconds: number): string {
  return new Date(Date.parse(at) + seconds * 1_000).toISOString();
}

function hours(seconds: number): string {
  return `${Math.floor(seconds / hour)} h`;
}
