import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prometheusRules } from '../../../src/service/alerts/prometheus-rules.ts';
import { alertRules } from '../../../src/service/alerts/rules.ts';
import { promtool } from '../../service/monitoring.ts';

/** What `/metrics` said at one time. */
export interface Scrape {
  readonly at: Date;
  readonly text: string;
}

/** What a rule says at one scrape: the labels of each alert that fires, without its severity. */
export interface Expected {
  readonly rule: string;
  /** The number of the scrape, from 0 on. */
  readonly at: number;
  readonly alerts: readonly Readonly<Record<string, string>>[];
}

/**
 * Gives the scrapes to Prometheus' own rules, as if they were `minutes` apart, and says what it did not find as expected. What a
 * metric says of times is moved, so that ages stay: promtool counts from 1970.
 */
export async function evaluate(
  scrapes: readonly Scrape[],
  minutes: number,
  expected: readonly Expected[],
): Promise<{ readonly code: number; readonly output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'problems-scrapes-'));
  try {
    // What a summary says has a test of its own.
    const rules = prometheusRules().replaceAll(/^ +(?:annotations:|summary: .*)\n/gm, '');
    await writeFile(join(folder, 'rules.yml'), rules);
    const test = {
      interval: `${minutes}m`,
      input_series: [...seriesOf(scrapes, minutes)].map(([series, values]) => ({ series, values: values.join(' ') })),
      alert_rule_test: expected.map(({ rule, at, alerts }) => ({
        eval_time: `${at * minutes}m`,
        alertname: rule,
        exp_alerts: alerts.map((labels) => ({ exp_labels: { severity: severityOf(rule), ...labels } })),
      })),
    };
    const file = join(folder, 'rules.test.yml');
    await writeFile(
      file,
      JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval: `${minutes}m`, tests: [test] }),
    );
    return await promtool(['test', 'rules', file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function severityOf(rule: string): string {
  return alertRules.find(({ name }) => name === rule)?.severity ?? '';
}

/** The values of each series that a rule reads, `_` where it was not there. */
function seriesOf(scrapes: readonly Scrape[], minutes: number): ReadonlyMap<string, readonly string[]> {
  const read = new Set(alertRules.flatMap(({ expr }) => expr.match(/problems_\w+/g) ?? []));
  const series = new Map<string, string[]>();
  for (const [index, { at, text }] of scrapes.entries()) {
    const moved = at.getTime() / 1_000 - index * minutes * 60;
    for (const [, name = '', labels = '', value = ''] of text.matchAll(/^(problems_\w+)(\{.*\})? (\S+)$/gm)) {
      if (!read.has(name)) continue;
      const values = series.get(name + labels) ?? [];
      while (values.length < index) values.push('_');
      values.push(String(/_(?:timestamp|time)_seconds$/.test(name) ? Number(value) - moved : Number(value)));
      series.set(name + labels, values);
    }
  }
  for (const values of series.values()) while (values.length < scrapes.length) values.push('_');
  return series;
}
