import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WatchedService } from '../contract.ts';
import { watchLastRound } from '../facts.ts';
import type { ServiceEvent } from '../types.ts';
import { histogramMetrics, type HistogramName, readMetrics, type ReadMetric } from './declarations.ts';
import { counterKey, fleetSeries } from './fleet-series.ts';
import { instanceSeries } from './instance-series.ts';
import { labelValue, type Series } from './series.ts';

export interface Metrics {
  /** The text of `/metrics`, in the format 0.0.4 of Prometheus. */
  render(): Promise<string>;
}

/** The header `Content-Type` of what `render` returns. */
export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * The metrics of a service: gauges from its view, histograms from its events, and counters, which survive a restart, from its
 * history. Call it once for a service: it counts what happens.
 *
 * @example
 * const metrics = createMetrics(service);
 * response.end(await metrics.render());
 */
export function createMetrics(service: WatchedService<'counters' | 'rounds'>): Metrics {
  const lasting = new Registry();
  const histograms = new Map<HistogramName, Histogram>(
    histogramMetrics.map(({ name, help, labels, buckets }) => [
      name,
      new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [lasting] }),
    ]),
  );
  const lastRound = watchLastRound(service);
  service.subscribe((event) => note(event, service, histograms));

  async function render(): Promise<string> {
    const view = service.view();
    const read = readRegistry([
      ...view.instances.flatMap((instance) => instanceSeries(view, instance)),
      ...fleetSeries(view, service.history.counters.list(), lastRound()),
    ]);
    return `${await read.metrics()}\n${await lasting.metrics()}`;
  }

  return { render };
}

/** A registry of its own for each call, so that calls at the same time do not mix. */
function readRegistry(series: readonly Series[]): Registry {
  const registry = new Registry();
  const byMetric = Map.groupBy(series, ({ metric }) => metric);
  for (const { name, type, help, labels } of readMetrics) {
    const about = { name, help, labelNames: labels, registers: [registry] };
    const values = byMetric.get(name);
    // prom-client would serve a metric without labels as 0, which is not what "unknown" means.
    if (values === undefined) continue;
    if (type === 'counter') {
      const counter = new Counter(about);
      for (const one of values) counter.inc({ ...one.labels }, Math.max(0, one.value));
    } else {
      const gauge = new Gauge(about);
      for (const one of values) gauge.set({ ...one.labels }, one.value);
    }
  }
  return registry;
}

function note(
  event: ServiceEvent,
  { history }: Pick<WatchedService<'counters'>, 'history'>,
  histograms: ReadonlyMap<HistogramName, Histogram>,
): void {
  const count = (by: number, metric: ReadMetric, ...values: readonly string[]) =>
    history.counters.add(counterKey(metric, ...values), by);
  switch (event.type) {
    case 'checked':
      histograms
        .get('problems_detect_duration_seconds')
        ?.observe({ remediator: labelValue(event.remediator) }, event.seconds);
      break;
    case 'proof':
      if (event.proof.restoreSeconds !== null)
        histograms.get('problems_drill_duration_seconds')?.observe(event.proof.restoreSeconds);
      break;
    case 'run-ended':
      count(1, 'problems_runs_total', event.remediator, event.outcome);
      if (event.downtimeSeconds !== null)
        histograms
          .get('problems_run_downtime_seconds')
          ?.observe({ remediator: labelValue(event.remediator) }, event.downtimeSeconds);
      break;
    case 'repaired':
      histograms.get('problems_repair_seconds')?.observe({ class: labelValue(event.class) }, event.seconds);
      break;
    case 'recurred':
      count(1, 'problems_recurrences_total', event.class);
      break;
    case 'delivery': {
      const { alerts, channel, failure } = event.delivery;
      count(alerts, failure === null ? 'problems_alerts_sent_total' : 'problems_alerts_failed_total', channel);
      break;
    }
    default:
  }
}
