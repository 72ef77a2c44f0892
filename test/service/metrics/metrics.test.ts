import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metricDeclarations } from '../../../src/service/metrics/declarations.ts';
import { instanceSeries, seriesPerInstance } from '../../../src/service/metrics/instance-series.ts';
import { createMetrics, metricsContentType } from '../../../src/service/metrics/metrics.ts';
import { labelValue } from '../../../src/service/metrics/series.ts';
import { hasMonitoring, promtool, serve, start, until } from '../monitoring.ts';
import { sampleService } from '../sample-service.ts';
import { minutesAgo, sampleFinding, sampleInstance, sampleNow, sampleRound, sampleView } from '../sample-view.ts';

/** The lines of one metric. */
function linesOf(text: string, metric: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
}

/** A service that has seen every kind of event. */
async function busyService() {
  const service = await sampleService();
  const metrics = createMetrics(service);
  service.publish({ type: 'checked', instance: 'orders', remediator: 'memory', seconds: 0.7 });
  service.publish({
    type: 'run-ended',
    run: '01jd',
    remediator: 'memory',
    outcome: 'fixed',
    downtimeSeconds: 12,
  });
  service.publish({ type: 'repaired', class: 'network', seconds: 120 });
  service.publish({ type: 'recurred', class: 'network' });
  service.publish({
    type: 'proof',
    proof: {
      engine: 'local',
      instance: 'orders',
      backup: 'orders/2026-11-30-0230',
      at: minutesAgo(1),
      level: 5,
      verdict: 'good',
      restoreSeconds: 94,
    },
  });
  service.publish({
    type: 'delivery',
    delivery: { at: sampleNow, channel: 'webhook', alerts: 2, attempts: 1, failure: null },
  });
  service.publish({
    type: 'delivery',
    delivery: { at: sampleNow, channel: 'slack', alerts: 1, attempts: 3, failure: 'the server answered 503' },
  });
  return { service, metrics };
}

describe('/metrics', () => {
  it('serves each declared metric', async () => {
    const text = await (await busyService()).metrics.render();
    const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(served.toSorted()).toEqual(metricDeclarations.map(({ name, type }) => `${name} ${type}`).toSorted());
  });

  it.runIf(hasMonitoring)('passes promtool check metrics', async () => {
    const checked = await promtool(['check', 'metrics'], await (await busyService()).metrics.render());
    expect(checked).toEqual({ code: 0, output: '' });
  });

  it('says 0 for an instance that is down and for one that could not be checked', async () => {
    const text = await createMetrics(await sampleService()).render();
    expect(linesOf(text, 'problems_instance_up')).toEqual([
      'problems_instance_up{pg_instance="billing"} 0',
      'problems_instance_up{pg_instance="ledger"} 1',
      'problems_instance_up{pg_instance="orders"} 1',
      'problems_instance_up{pg_instance="search"} 1',
      'problems_instance_up{pg_instance="sessions"} 1',
      'problems_instance_up{pg_instance="users"} 1',
      'problems_instance_up{pg_instance="vault/archive"} 0',
    ]);
  });

  it('says nothing about what is unknown', async () => {
    const text = await createMetrics(await sampleService()).render();
    expect(text).not.toMatch(/problems_instance_memory_usage_bytes\{pg_instance="billing"\}/);
    expect(text).not.toMatch(/problems_backup\w+\{pg_instance="vault\/archive"/);
    const withoutBudget = await sampleService(sampleView({ engines: [] }));
    expect(await createMetrics(withoutBudget).render()).not.toContain('problems_host_memory_budget_bytes');
  });

  it('says how old backups are, what they prove, and what the last drill did', async () => {
    const text = await createMetrics(await sampleService()).render();
    expect(linesOf(text, 'problems_backup_last_timestamp_seconds')).toContain(
      `problems_backup_last_timestamp_seconds{pg_instance="search"} ${Date.parse(minutesAgo(50 * 60)) / 1000}`,
    );
    expect(linesOf(text, 'problems_backups').filter((line) => line.includes('ledger'))).toEqual([
      'problems_backups{pg_instance="ledger",state="good"} 1',
      'problems_backups{pg_instance="ledger",state="bad"} 1',
      'problems_backups{pg_instance="ledger",state="unproven"} 0',
      'problems_backups{pg_instance="ledger",state="quarantined"} 0',
    ]);
    expect(linesOf(text, 'problems_backup_verified_level')).toContain(
      'problems_backup_verified_level{pg_instance="sessions"} -1',
    );
    expect(linesOf(text, 'problems_drill_last_success')).toContain(
      'problems_drill_last_success{pg_instance="ledger"} 0',
    );
    expect(linesOf(text, 'problems_drill_last_timestamp_seconds')).toContain(
      'problems_drill_last_timestamp_seconds{pg_instance="billing"} 0',
    );
    expect(text).toContain('problems_backup_max_age_seconds 93600');
  });

  it('counts runs by their state, and does not count checks that can never run', async () => {
    const text = await createMetrics(await sampleService()).render();
    expect(linesOf(text, 'problems_runs_open')).toEqual([
      'problems_runs_open{state="running"} 1',
      'problems_runs_open{state="awaiting_approval"} 1',
      'problems_runs_open{state="stuck"} 1',
    ]);
    expect(linesOf(text, 'problems_not_looked_at').filter((line) => line.includes('sessions'))).toEqual([
      'problems_not_looked_at{pg_instance="sessions",remediator="memory"} 1',
    ]);
  });

  it('keeps counters over a restart', async () => {
    const { service } = await busyService();
    service.restart();
    const metrics = createMetrics(service);
    service.publish({ type: 'recurred', class: 'network' });
    const text = await metrics.render();
    expect(linesOf(text, 'problems_recurrences_total')).toContain('problems_recurrences_total{class="network"} 2');
    expect(linesOf(text, 'problems_runs_total')).toEqual([
      'problems_runs_total{remediator="memory",outcome="fixed"} 1',
    ]);
    expect(linesOf(text, 'problems_alerts_failed_total')).toEqual(['problems_alerts_failed_total{channel="slack"} 1']);
  });

  it('knows the last full round that ended well, from before the start too', async () => {
    const service = await sampleService();
    const metrics = createMetrics(service);
    const name = 'problems_detect_last_success_timestamp_seconds';
    expect(await metrics.render()).toContain(`${name} ${Date.parse(minutesAgo(3)) / 1000}\n`);
    service.publish({ type: 'round', round: sampleRound({ endedAt: minutesAgo(0), failure: 'no engine' }) });
    service.publish({ type: 'round', round: sampleRound({ endedAt: minutesAgo(0), kind: 'light' }) });
    expect(await metrics.render()).toContain(`${name} ${Date.parse(minutesAgo(3)) / 1000}\n`);
    service.publish({ type: 'round', round: sampleRound({ endedAt: minutesAgo(1) }) });
    expect(await metrics.render()).toContain(`${name} ${Date.parse(minutesAgo(1)) / 1000}\n`);
  });

  it('is the same for calls at the same time', async () => {
    const metrics = createMetrics(await sampleService());
    const [first, ...others] = await Promise.all([metrics.render(), metrics.render(), metrics.render()]);
    expect(others).toEqual([first, first]);
  });
});

describe('labels', () => {
  it.each([
    ['orders', 'orders'],
    ['a\nb\u0000c', 'a?b?c'],
    ['\u202Eevil', '?evil'],
    ['\uD800', '\uFFFD'],
    ['x'.repeat(500), `${'x'.repeat(127)}…`],
    ['😀'.repeat(500), `${'😀'.repeat(127)}…`],
  ])('are bounded and printable: %#', (value, shown) => {
    expect(labelValue(value)).toBe(shown);
  });

  it.runIf(hasMonitoring)('cannot break out of their quotes', async () => {
    const container = 'x"} 1\nproblems_instance_up{pg_instance="forged\\"} 1';
    const service = await sampleService(sampleView({ instances: [sampleInstance({ container })] }));
    const rendered = await createMetrics(service).render();
    expect((await promtool(['check', 'metrics'], rendered)).code).toBe(0);
    expect(linesOf(rendered, 'problems_instance_up')).toHaveLength(1);
  });

  it('hold nothing of evidence', async () => {
    expect(await createMetrics(await sampleService()).render()).not.toContain('script');
  });
});

describe('an instance', () => {
  const many = Array.from({ length: 40 }, (_, index) => index);

  it('has at most 30 series, whatever was found, and their sums stay right', () => {
    const instance = sampleInstance({
      notLookedAt: many.map((index) => ({ remediator: `r${index}`, instance: 'orders', reason: 'x' })),
      clients: many.map((index) => ({ client: `gui-${index}`, reachable: index < 39, reason: null })),
    });
    const findings = many.map((index) => sampleFinding({ finding: { kind: `kind-${index}` } }));
    const view = sampleView({ instances: [instance], findings });
    const series = instanceSeries(view, instance);
    const total = (metric: string) =>
      series.filter((one) => one.metric === metric).reduce((sum, { value }) => sum + value, 0);
    expect(series.length).toBe(seriesPerInstance);
    expect(total('problems_findings')).toBe(40);
    expect(total('problems_not_looked_at')).toBe(40);
    expect(series.find(({ labels }) => labels['client'] === 'other')?.value).toBe(0);
  });

  it('shows each finding, client and check by name while they fit', () => {
    const view = sampleView();
    const instance = view.instances.find((one) => one.instance === 'sessions') ?? sampleInstance();
    expect(instanceSeries(view, instance).some(({ labels }) => Object.values(labels).includes('other'))).toBe(false);
  });
});

describe.runIf(hasMonitoring)('Prometheus', () => {
  it('scrapes the metrics of a service', async () => {
    const { metrics } = await busyService();
    await using target = await serve((_, response) => {
      void metrics.render().then((text) => response.setHeader('content-type', metricsContentType).end(text));
    });
    await using prometheus = await start('prometheus', '/-/ready', (folder, address) => {
      const config = join(folder, 'prometheus.yml');
      writeFileSync(
        config,
        JSON.stringify({
          global: { scrape_interval: '1s', scrape_timeout: '1s' },
          scrape_configs: [{ job_name: 'problems', static_configs: [{ targets: [`127.0.0.1:${target.port}`] }] }],
        }),
      );
      return [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ];
    });
    const query = async (expression: string): Promise<unknown> => {
      const answer = await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      return JSON.parse(await answer.text());
    };
    await until(async () => JSON.stringify(await query('up{job="problems"} == 1')).includes('"job":"problems"'));
    expect(await query('problems_instance_up{pg_instance="orders"}')).toMatchObject({
      data: { result: [{ metric: { pg_instance: 'orders' }, value: [expect.any(Number), '1'] }] },
    });
    expect(await query('count(problems_instance_up)')).toMatchObject({
      data: { result: [{ value: [expect.any(Number), '7'] }] },
    });
  });
});
