import { problemClasses } from '../../tasks/types.ts';
import { backupFacts, openRunState, runStates } from '../facts.ts';
import type { ServiceView } from '../types.ts';
import { readMetrics, type ReadMetric } from './declarations.ts';
import { countBy, labelValue, type Series, sum, unixSeconds } from './series.ts';

/** More combinations of component, severity and status than this are not served. */
const registrySeriesLimit = 500;

/** The series that belong to no instance. `counters` as the history keeps them, `lastRoundAt`: the last full round that ended well. */
export function fleetSeries(
  view: ServiceView,
  counters: Readonly<Record<string, number>>,
  lastRoundAt: string | null,
): readonly Series[] {
  const one = (metric: ReadMetric, value: number, labels: Series['labels'] = {}): Series => ({ metric, labels, value });
  const budgets = view.engines.flatMap(({ budget }) => (budget === null ? [] : [budget]));
  const ages = view.instances.flatMap((instance) => backupFacts(view, instance)?.maxAgeSeconds ?? []);
  return [
    one('problems_build_info', 1, { version: labelValue(view.version) }),
    one('problems_start_time_seconds', unixSeconds(view.startedAt)),
    ...view.engines.map(({ name, reachable }) =>
      one('problems_engine_reachable', Number(reachable), { engine: labelValue(name) }),
    ),
    ...(budgets.length === 0
      ? []
      : [
          one('problems_host_memory_budget_bytes', sum(budgets.map(({ budget }) => budget))),
          one('problems_host_memory_promised_bytes', sum(budgets.map(({ promised }) => promised))),
        ]),
    one('problems_instance_creations_total', view.creations.started, { result: 'started' }),
    one('problems_instance_creations_total', view.creations.failed, { result: 'failed' }),
    ...(ages.length === 0 ? [] : [one('problems_backup_max_age_seconds', Math.max(...ages))]),
    one('problems_detect_last_success_timestamp_seconds', lastRoundAt === null ? 0 : unixSeconds(lastRoundAt)),
    ...runStates.map((state) =>
      one('problems_runs_open', view.openRuns.filter((run) => openRunState(run) === state).length, { state }),
    ),
    one('problems_paused', view.paused === null ? 0 : 1),
    ...registrySeries(view),
    ...counterSeries(counters),
    ...view.jobs
      .filter(({ schedule, lastEndedAt }) => schedule !== 'off' || lastEndedAt !== null)
      .map(({ name, lastEndedAt }) =>
        one('problems_schedule_last_run_timestamp_seconds', lastEndedAt === null ? 0 : unixSeconds(lastEndedAt), {
          job: name,
        }),
      ),
  ];
}

function registrySeries({ registry }: Pick<ServiceView, 'registry'>): readonly Series[] {
  return [
    ...countBy(
      'problems_registry_problems',
      registry.problems.slice(0, registrySeriesLimit),
      ({ component, severity, status }) => ({
        component: labelValue(component),
        severity: labelValue(severity),
        status: labelValue(status),
      }),
      ({ count }) => count,
    ),
    ...countBy(
      'problems_tasks',
      registry.tasks.slice(0, registrySeriesLimit),
      ({ kind, band }) => ({ kind: labelValue(kind), band: labelValue(band) }),
      ({ count }) => count,
    ),
  ];
}

/** The key of a counter in the history: the metric and the values of its labels, in the order of its declaration. */
export function counterKey(metric: ReadMetric, ...values: readonly string[]): string {
  return [metric, ...values.map((value) => labelValue(value).replaceAll(/\s/g, '_'))].join(' ');
}

function counterSeries(counters: Readonly<Record<string, number>>): readonly Series[] {
  // A counter that begins at 0 shows its first increase; one that begins at 1 does not.
  const initial = problemClasses.map((name) => [counterKey('problems_recurrences_total', name), 0] as const);
  return Object.entries({ ...Object.fromEntries(initial), ...counters }).flatMap(([key, value]) => {
    const [name, ...values] = key.split(' ');
    const declared = readMetrics.find((metric) => metric.name === name && metric.type === 'counter');
    if (declared === undefined || declared.labels.length !== values.length) return [];
    const labels = Object.fromEntries(declared.labels.map((label, index) => [label, values[index] ?? '']));
    return [{ metric: declared.name, labels, value }];
  });
}
