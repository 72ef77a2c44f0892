import { type BackupFacts, backupFacts } from '../facts.ts';
import { missedChecks } from '../instance-state.ts';
import type { InstanceView, ServiceView, TrackedFinding } from '../types.ts';
import type { ReadMetric } from './declarations.ts';
import { countBy, instanceLabel, labelValue, limitSeries, type Series, sum, unixSeconds } from './series.ts';

/** The rule of docs/metrics.md: at most as many series with the same `pg_instance`. */
export const seriesPerInstance = 30;

/** The series of one instance. What is unknown has none, except whether it is up: a series that vanishes never equals 0. */
export function instanceSeries(view: ServiceView, instance: InstanceView): readonly Series[] {
  const pg_instance = instanceLabel(instance);
  const one = (metric: ReadMetric, value: number | null | undefined, labels: Series['labels'] = {}): Series[] =>
    value === null || value === undefined || !Number.isFinite(value)
      ? []
      : [{ metric, labels: { pg_instance, ...labels }, value }];
  const facts = backupFacts(view, instance);
  const fixed = [
    ...one('problems_instance_up', instance.status === 'up' ? 1 : 0),
    ...one('problems_instance_info', 1, {
      container: labelValue(instance.container ?? ''),
      image: labelValue(instance.image ?? ''),
      server_version: labelValue(instance.serverVersion ?? ''),
    }),
    ...one('problems_instance_memory_limit_bytes', instance.memory.limit),
    ...one('problems_instance_memory_worst_case_bytes', instance.memory.worstCase),
    ...one('problems_instance_memory_usage_bytes', instance.memory.usage),
    ...one('problems_instance_oom_kills_total', instance.oomKills),
    ...one('problems_instance_restarts_total', instance.restarts),
    ...one('problems_instance_checksum_failures_total', instance.checksumFailures),
    ...one('problems_instance_connections', instance.connections?.used),
    ...one('problems_instance_connections_limit', instance.connections?.limit),
    ...one('problems_instance_suspended', instance.suspended === null ? 0 : 1),
    ...(facts === undefined ? [] : backupSeries(facts, one)),
  ];
  return [...fixed, ...limitSeries(groupsOf(view, instance, pg_instance), seriesPerInstance - fixed.length)];
}

function backupSeries(
  facts: BackupFacts,
  one: (metric: ReadMetric, value: number | null, labels?: Series['labels']) => Series[],
): readonly Series[] {
  const { newestAt, newestGoodAt, level, counts, drill } = facts;
  const last = drill === 'never' ? null : drill;
  return [
    ...one('problems_backup_last_timestamp_seconds', newestAt === null ? null : unixSeconds(newestAt)),
    ...one('problems_backup_last_good_timestamp_seconds', newestGoodAt === null ? null : unixSeconds(newestGoodAt)),
    ...Object.entries(counts).flatMap(([state, count]) => one('problems_backups', count, { state })),
    ...one('problems_backup_verified_level', level ?? -1),
    ...one('problems_drill_last_timestamp_seconds', drill === 'never' ? 0 : last && unixSeconds(last.at)),
    ...one('problems_drill_last_success', last && Number(last.passed)),
    ...one('problems_drill_last_duration_seconds', last && last.seconds),
  ];
}

/** What may be many: findings first, since they say what is wrong. */
function groupsOf(view: ServiceView, instance: InstanceView, pg_instance: string) {
  const open = view.findings.filter(({ goneAt, ...found }) => goneAt === null && isOf(found, instance));
  const unseen = missedChecks(instance);
  return [
    {
      series: countBy('problems_findings', open, ({ finding }) => ({
        pg_instance,
        remediator: labelValue(finding.remediator),
        kind: labelValue(finding.kind),
      })),
      merge: sum,
    },
    {
      series: distinct(
        open.map(({ finding, firstSeen }) => ({
          metric: 'problems_finding_first_seen_timestamp_seconds' as const,
          labels: { pg_instance, finding: labelValue(finding.id) },
          value: unixSeconds(firstSeen),
        })),
      ),
      merge: (times: readonly number[]) => Math.min(...times),
    },
    {
      series: countBy('problems_not_looked_at', unseen, ({ remediator }) => ({
        pg_instance,
        remediator: labelValue(remediator),
      })),
      merge: sum,
    },
    {
      series: distinct(
        instance.clients.map(({ client, reachable }) => ({
          metric: 'problems_client_reachable' as const,
          labels: { pg_instance, client: labelValue(client) },
          value: Number(reachable),
        })),
      ),
      merge: (reachable: readonly number[]) => Math.min(...reachable),
    },
  ];
}

function isOf({ engine, finding }: Pick<TrackedFinding, 'engine' | 'finding'>, instance: InstanceView): boolean {
  return engine === instance.engine && finding.instance === instance.instance;
}

/** The first of those that have the same labels, as when long names are cut. */
function distinct(series: readonly Series[]): readonly Series[] {
  const seen = new Set<string>();
  return series.filter(({ labels }) => {
    const key = JSON.stringify(labels);
    return !seen.has(key) && seen.add(key);
  });
}
