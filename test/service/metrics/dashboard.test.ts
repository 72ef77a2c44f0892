import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { metricDeclarations } from '../../../src/service/metrics/declarations.ts';
import { hasMonitoring, promtool } from '../monitoring.ts';

const file = join(import.meta.dirname, '../../../examples/grafana/problems.json');

const dashboard = z
  .looseObject({
    panels: z.array(
      z.looseObject({
        id: z.int(),
        title: z.string(),
        gridPos: z.object({ h: z.int(), w: z.int(), x: z.int(), y: z.int() }),
        targets: z.array(z.looseObject({ expr: z.string() })).min(1),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(file, 'utf8')));

const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

describe('the dashboard for Grafana', () => {
  it('asks only for metrics and labels that exist', () => {
    const declared = new Map(
      metricDeclarations.flatMap(({ name, type, labels }) => [
        [name, labels] as const,
        ...(type === 'histogram' ? [[`${name}_bucket`, [...labels, 'le']] as const] : []),
      ]),
    );
    for (const expr of expressions) {
      const names = expr.match(/problems_\w+/g) ?? [];
      expect(names.filter((name) => !declared.has(name))).toEqual([]);
      const known = new Set(names.flatMap((name) => [...(declared.get(name) ?? [])]));
      const grouped = [...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, labels = '']) => labels.split(', '));
      const matched = [...expr.matchAll(/[{,](\w+)=/g)].map(([, label = '']) => label);
      expect([...grouped, ...matched].filter((label) => !known.has(label))).toEqual([]);
    }
  });

  it('places its panels beside each other', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });

  it.runIf(hasMonitoring)('has expressions that Prometheus reads', async () => {
    const rules = expressions.map((expr, index) => ({
      record: `dashboard:expression:${index}`,
      expr: expr.replaceAll('$pg_instance', '.*'),
    }));
    const folder = mkdtempSync(join(tmpdir(), 'problems-dashboard-'));
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { code, output } = await promtool(['check', 'rules', join(folder, 'rules.yml')]);
    rmSync(folder, { recursive: true });
    expect(output).toContain(`${rules.length} rules found`);
    expect(code).toBe(0);
  });
});
