/** A metric as it is served and documented. Names end in their unit; times are Unix seconds. */
export interface MetricDeclaration {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

/** Of each instance, with the label `pg_instance`: `instance` is Prometheus' own. At most 30 series each. */
const instanceMetrics = [
  gauge(
    'problems_instance_up',
    ['pg_instance'],
    'Whether it answered at the last look. 0 also if it could not be checked.',
  ),
  gauge(
    'problems_instance_info',
    ['pg_instance', 'container', 'image', 'server_version'],
    'Always 1; the labels say what the instance is.',
  ),
  gauge('problems_instance_memory_limit_bytes', ['pg_instance'], 'Memory limit of the container. 0: no limit.'),
  gauge(
    'problems_instance_memory_worst_case_bytes',
    ['pg_instance'],
    'Memory that the settings of the server allow it to use at once.',
  ),
  gauge('problems_instance_memory_usage_bytes', ['pg_instance'], 'Memory in use, without the page cache.'),
  counter(
    'problems_instance_oom_kills_total',
    ['pg_instance'],
    'Processes that the kernel killed at the memory limit, since the service first saw the instance.',
  ),
  counter(
    'problems_instance_restarts_total',
    ['pg_instance'],
    'Restarts of the container since the service first saw the instance.',
  ),
  counter(
    'problems_instance_checksum_failures_total',
    ['pg_instance'],
    'Pages with a wrong checksum (pg_stat_database). Absent if checksums are off.',
  ),
  gauge('problems_instance_connections', ['pg_instance'], 'Connections in use.'),
  gauge('problems_instance_connections_limit', ['pg_instance'], 'max_connections.'),
  gauge('problems_instance_suspended', ['pg_instance'], 'Whether repairs are suspended until someone has checked it.'),
  gauge(
    'problems_client_reachable',
    ['pg_instance', 'client'],
    'Whether a GUI or another client reaches the instance through its own network.',
  ),
  gauge('problems_findings', ['pg_instance', 'remediator', 'kind'], 'Open findings.'),
  gauge(
    'problems_finding_first_seen_timestamp_seconds',
    ['pg_instance', 'finding'],
    'When an open finding was first seen.',
  ),
  gauge(
    'problems_not_looked_at',
    ['pg_instance', 'remediator'],
    'Checks of the last full round that could not run, without those that can never run for the instance.',
  ),
  gauge(
    'problems_backup_last_timestamp_seconds',
    ['pg_instance'],
    'Time of the newest complete backup that is not bad.',
  ),
  gauge('problems_backup_last_good_timestamp_seconds', ['pg_instance'], 'Time of the newest backup that was restored.'),
  gauge(
    'problems_backups',
    ['pg_instance', 'state'],
    'Backups by state: good, bad, unproven, quarantined. A repository of another tool counts as one unproven backup.',
  ),
  gauge(
    'problems_backup_verified_level',
    ['pg_instance'],
    'Highest level (0 to 6) that the newest complete backup has passed. -1: none.',
  ),
  gauge(
    'problems_drill_last_timestamp_seconds',
    ['pg_instance'],
    'When a backup was last restored as a drill. 0: never.',
  ),
  gauge('problems_drill_last_success', ['pg_instance'], 'Whether the last drill passed.'),
  gauge('problems_drill_last_duration_seconds', ['pg_instance'], 'How long the last drill took.'),
] as const satisfies readonly MetricDeclaration[];

const fleetMetrics = [
  gauge('problems_build_info', ['version'], 'Always 1; the label is the version of the service.'),
  gauge('problems_start_time_seconds', [], 'When the service started.'),
  gauge('problems_engine_reachable', ['engine'], 'Whether a Docker engine answered at the last look.'),
  gauge('problems_host_memory_budget_bytes', [], 'Memory that all containers may use together, summed over engines.'),
  gauge('problems_host_memory_promised_bytes', [], 'Memory that limits and worst cases promise, summed over engines.'),
  counter('problems_instance_creations_total', ['result'], 'Creations of containers: started, failed.'),
  gauge(
    'problems_backup_max_age_seconds',
    [],
    'How old the newest backup of an instance may be. The longest, if instances differ.',
  ),
  gauge('problems_detect_last_success_timestamp_seconds', [], 'When the last full round ended well. 0: never.'),
  counter('problems_runs_total', ['remediator', 'outcome'], 'Runs that ended.'),
  gauge('problems_runs_open', ['state'], 'Runs by state: running, awaiting_approval, stuck.'),
  gauge('problems_paused', [], 'Whether all repairs are paused.'),
  gauge('problems_registry_problems', ['component', 'severity', 'status'], 'Problems in the registries.'),
  gauge('problems_tasks', ['kind', 'band'], 'Tasks that follow from the registries.'),
  counter('problems_recurrences_total', ['class'], 'Findings that came back after they were gone.'),
  counter('problems_alerts_sent_total', ['channel'], 'Alerts that a channel accepted.'),
  counter('problems_alerts_failed_total', ['channel'], 'Alerts that a channel did not accept after all tries.'),
  gauge('problems_schedule_last_run_timestamp_seconds', ['job'], 'When a job of the calendar last ended. 0: never.'),
] as const satisfies readonly MetricDeclaration[];

/** Counted from the start of the service; Prometheus knows that they begin at 0 after a restart. */
const histograms = [
  histogram(
    'problems_detect_duration_seconds',
    ['remediator'],
    'Time of one check of one instance.',
    [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  ),
  // Not by instance: its buckets alone would be a third of an instance's series.
  histogram(
    'problems_drill_duration_seconds',
    [],
    'Time to restore a backup as a drill, over all instances.',
    [10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400],
  ),
  histogram(
    'problems_run_downtime_seconds',
    ['remediator'],
    'Time for which an instance did not answer during a run.',
    [1, 2.5, 5, 10, 30, 60, 120, 300, 900],
  ),
  histogram(
    'problems_repair_seconds',
    ['class'],
    'Time from the first sight of a finding until it was gone.',
    [60, 300, 900, 3_600, 14_400, 86_400, 604_800],
  ),
] as const satisfies readonly MetricDeclaration[];

/** Names of the metrics that are read from the view and the counters when they are served. */
export type ReadMetric = (typeof instanceMetrics | typeof fleetMetrics)[number]['name'];

export type HistogramName = (typeof histograms)[number]['name'];

export const readMetrics: readonly (MetricDeclaration & { readonly name: ReadMetric })[] = [
  ...instanceMetrics,
  ...fleetMetrics,
];

export const histogramMetrics: readonly (MetricDeclaration & {
  readonly name: HistogramName;
  readonly buckets: readonly number[];
})[] = histograms;

/** Every metric of `/metrics`, in the order in which it is documented. */
export const metricDeclarations: readonly MetricDeclaration[] = [...instanceMetrics, ...fleetMetrics, ...histograms];

function gauge<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: 'gauge', labels, help } as const;
}

function counter<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: 'counter', labels, help } as const;
}

function histogram<const Name extends string>(
  name: Name,
  labels: readonly string[],
  help: string,
  buckets: readonly number[],
) {
  return { name, type: 'histogram', labels, help, buckets } as const;
}
