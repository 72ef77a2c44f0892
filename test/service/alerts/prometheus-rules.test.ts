import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prometheusRules } from '../../../src/service/alerts/prometheus-rules.ts';
import { alertRules } from '../../../src/service/alerts/rules.ts';
import { metricDeclarations } from '../../../src/service/metrics/declarations.ts';
import { hasMonitoring, promtool } from '../monitoring.ts';

/** What makes a rule fire and resolve. Values are for each minute, as promtool writes them: `1x4` is five times 1. */
interface Case {
  readonly rule: string;
  readonly series: Readonly<Record<string, string>>;
  readonly firesAt: string;
  readonly resolvedAt: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

const orders = { pg_instance: 'orders' };

const cases: readonly Case[] = [
  {
    rule: 'InstanceDown',
    series: { 'problems_instance_up{pg_instance="orders"}': '1x4 0x5 1x20' },
    firesAt: '8m',
    resolvedAt: '15m',
    labels: orders,
    summary: 'orders does not answer, or could not be checked.',
  },
  {
    rule: 'DetectStale',
    series: {
      problems_detect_last_success_timestamp_seconds: '0x20 1260x20',
      problems_start_time_seconds: '0x60',
    },
    firesAt: '20m',
    resolvedAt: '25m',
    summary: 'No full round of checks has ended well for 15 minutes.',
  },
  {
    rule: 'BackupStale',
    series: {
      'problems_backup_last_timestamp_seconds{pg_instance="orders"}': '0x20 1260x20',
      problems_backup_max_age_seconds: '600x60',
    },
    firesAt: '20m',
    resolvedAt: '25m',
    labels: orders,
    summary: 'The newest backup of orders is 20m 0s old.',
  },
  {
    rule: 'BackupMissing',
    series: {
      'problems_instance_up{pg_instance="orders"}': '1x200',
      'problems_backups{pg_instance="orders",state="unproven"}': '0x90 1x60',
      'problems_backups{pg_instance="orders",state="quarantined"}': '3x200',
    },
    firesAt: '70m',
    resolvedAt: '100m',
    labels: orders,
    summary: 'orders has no backup, or only bad ones.',
  },
  {
    rule: 'BackupMissing',
    series: { 'problems_instance_up{pg_instance="orders"}': '1x90 _x60' },
    firesAt: '70m',
    resolvedAt: '100m',
    labels: orders,
    summary: 'orders has no backup, or only bad ones.',
  },
  {
    rule: 'BackupMissing',
    series: {
      'problems_instance_up{pg_instance="orders"}': '1x200',
      'problems_backups{pg_instance="orders",state="bad"}': '2x200',
      'problems_backups{pg_instance="orders",state="good"}': '0x90 1x60',
    },
    firesAt: '70m',
    resolvedAt: '100m',
    labels: orders,
    summary: 'orders has no backup, or only bad ones.',
  },
  {
    rule: 'DrillStale',
    series: { 'problems_drill_last_timestamp_seconds{pg_instance="orders"}': '-700000x10 600x10' },
    firesAt: '5m',
    resolvedAt: '15m',
    labels: orders,
    summary: 'No backup of orders was restored as a drill within 8 days.',
  },
  {
    rule: 'DrillFailed',
    series: { 'problems_drill_last_success{pg_instance="orders"}': '0x10 1x10' },
    firesAt: '5m',
    resolvedAt: '15m',
    labels: orders,
    summary: 'The last drill of orders failed: its backup does not restore.',
  },
  {
    rule: 'CreationFailureRate',
    series: {
      'problems_instance_creations_total{result="failed"}': '0+1x10 10x200',
      'problems_instance_creations_total{result="started"}': '0+1x10 10x200',
    },
    firesAt: '12m',
    resolvedAt: '90m',
    summary: '50% of the containers created within an hour did not start.',
  },
  {
    rule: 'MemoryNearLimit',
    series: {
      'problems_instance_memory_usage_bytes{pg_instance="orders"}': '95x10 10x20',
      'problems_instance_memory_limit_bytes{pg_instance="orders"}': '100x40',
    },
    firesAt: '8m',
    resolvedAt: '15m',
    labels: orders,
    summary: 'orders uses 95% of its memory limit.',
  },
  {
    rule: 'OomKilled',
    series: { 'problems_instance_oom_kills_total{pg_instance="orders"}': '0x5 2x200' },
    firesAt: '10m',
    resolvedAt: '80m',
    labels: orders,
    summary: 'The kernel killed a process of orders at its memory limit within the last hour.',
  },
  {
    rule: 'ChecksumFailures',
    series: { 'problems_instance_checksum_failures_total{pg_instance="orders"}': '3x10 0x10' },
    firesAt: '5m',
    resolvedAt: '15m',
    labels: orders,
    summary: 'orders has read 3 pages with a wrong checksum.',
  },
  {
    rule: 'RunStuck',
    series: { 'problems_runs_open{state="stuck"}': '1x10 0x10' },
    firesAt: '5m',
    resolvedAt: '15m',
    labels: { state: 'stuck' },
    summary: '1 repairs are stuck: neither finished nor undone.',
  },
  {
    rule: 'ApprovalWaiting',
    series: { 'problems_runs_open{state="awaiting_approval"}': '1x90 0x10' },
    firesAt: '70m',
    resolvedAt: '95m',
    labels: { state: 'awaiting_approval' },
    summary: '1 repairs have waited for approval for an hour.',
  },
  {
    rule: 'NotLookedAt',
    series: { 'problems_not_looked_at{pg_instance="orders",remediator="memory"}': '2x60 0x10' },
    firesAt: '40m',
    resolvedAt: '65m',
    labels: orders,
    summary: 'Checks of orders could not run for 30 minutes.',
  },
  {
    rule: 'Suspended',
    series: { 'problems_instance_suspended{pg_instance="orders"}': '1x10 0x10' },
    firesAt: '5m',
    resolvedAt: '15m',
    labels: orders,
    summary: 'Repairs of orders are suspended until someone has checked it.',
  },
  {
    rule: 'DeliveryFailed',
    series: { 'problems_alerts_failed_total{channel="slack"}': '0x5 2x60' },
    firesAt: '7m',
    resolvedAt: '30m',
    labels: { channel: 'slack' },
    summary: 'Alerts could not be delivered by slack.',
  },
];

describe('the rules for Prometheus', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'problems-rules-'));
    writeFileSync(join(folder, 'rules.yml'), prometheusRules());
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('use metrics that exist', () => {
    const known = new Set(metricDeclarations.map(({ name }) => name));
    for (const { expr } of alertRules)
      expect((expr.match(/problems_\w+/g) ?? []).filter((name) => !known.has(name))).toEqual([]);
  });

  it.runIf(hasMonitoring)('pass promtool check rules', async () => {
    const { code, output } = await promtool(['check', 'rules', join(folder, 'rules.yml')]);
    expect(output).toContain(`SUCCESS: ${alertRules.length} rules found`);
    expect(code).toBe(0);
  });

  it('have each a case that fires and resolves it', () => {
    expect([...new Set(cases.map(({ rule }) => rule))]).toEqual(alertRules.map(({ name }) => name));
  });

  it.runIf(hasMonitoring)('fire and resolve, each one, in promtool test rules', async () => {
    const tests = cases.map(({ rule, series, firesAt, resolvedAt, labels, summary }) => ({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [
        {
          eval_time: firesAt,
          alertname: rule,
          exp_alerts: [
            {
              exp_labels: { severity: alertRules.find(({ name }) => name === rule)?.severity, ...labels },
              exp_annotations: { summary },
            },
          ],
        },
        { eval_time: resolvedAt, alertname: rule, exp_alerts: [] },
      ],
    }));
    const file = join(folder, 'rules.test.yml');
    writeFileSync(file, JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval: '1m', tests }));
    const { code, output } = await promtool(['test', 'rules', file]);
    expect(output).toContain('SUCCESS');
    expect(code).toBe(0);
  });
});
