import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainPriority } from '../../src/priority/index.ts';
import { readRegistry } from '../../src/registry/parse/read.ts';
import { generateTasks } from '../../src/tasks/index.ts';

const path = 'fixtures/resources/postgres/PROBLEMS.md';
const registry = readRegistry(readFileSync(path, 'utf8'), { path, component: 'postgres' });
const { tasks, diagnostics } = generateTasks([registry]);

describe('the postgres registry', () => {
  it('gives every kind of task, in the order of priority', () => {
    const scores = tasks.map(({ priority }) => priority.score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(new Set(tasks.map(({ kind }) => kind))).toEqual(
      new Set(['resolution', 'investigation', 'prevention', 'monitoring', 'documentation']),
    );
    expect(new Set(tasks.map(({ problem }) => problem)).size).toBe(9);
  });

  it.each([
    ['port-allocation-conflicts', 10.368, 'resource-conflict', 'port-reassignment', 'auto'],
    ['database-connection-pool-exhaustion', 10.368, 'performance', 'connection-pool', 'approve'],
    ['instance-data-corruption-during-backup', 8.96, 'data-integrity', 'backup-repair', 'human'],
    ['docker-volume-permission-issues', 3.36, 'permissions', 'volume-permissions', 'auto'],
    ['schema-migration-race-conditions', 3.456, 'migration', 'migration-lock', 'approve'],
    ['memory-allocation-errors-in-production-template', 2.592, 'performance', 'agent', 'approve'],
    ['pgweb-gui-connection-timeouts', 2.592, 'network', 'agent', 'approve'],
    ['multi-instance-resource-conflicts', 4.608, 'resource-conflict', 'agent', 'approve'],
    ['data-integrity-and-backup-pattern', 3.584, 'data-integrity', 'agent', 'approve'],
  ])('triages and scores %s', (slug, score, kind, handler, automation) => {
    expect(tasks.find(({ problem }) => problem === `postgres/${slug}`)).toMatchObject({
      class: kind,
      handler,
      automation,
      priority: { score },
    });
  });

  it('has a known cause for the ports, and suspected causes for the pool and the backup', () => {
    const investigated = tasks.filter(({ kind }) => kind === 'investigation').map(({ problem }) => problem);
    expect(investigated).toEqual([
      'postgres/database-connection-pool-exhaustion',
      'postgres/instance-data-corruption-during-backup',
      'postgres/schema-migration-race-conditions',
      'postgres/docker-volume-permission-issues',
    ]);
  });

  it('raises an alert for the record with a system-wide outage', () => {
    const flagged = tasks.filter(({ kind, flags }) => kind === 'resolution' && flags.length > 0);
    expect(flagged.map(({ problem, flags }) => [problem, flags])).toEqual([
      ['postgres/port-allocation-conflicts', ['alert']],
      ['postgres/instance-data-corruption-during-backup', ['immediate', 'alert']],
    ]);
  });

  it('contradicts its own calibration once, and has one tie', () => {
    const found = diagnostics.map(({ code, place: { offset, endOffset }, message }) => [
      code,
      sourceOf(offset, endOffset),
      message,
    ]);
    expect(found).toEqual([
      [
        'estimate-contradiction',
        'high',
        "urgency is stated as high, but the registry's own calibration says system_down = critical.",
      ],
      [
        'score-tie',
        'Database Connection Pool Exhaustion',
        'postgres/database-connection-pool-exhaustion and postgres/port-allocation-conflicts both score 10.368.',
      ],
    ]);
  });

  it('explains which changes would move the ports above the pool', () => {
    const ports = 'resolution-postgres--port-allocation-conflicts';
    expect(explainPriority(ports, tasks)).toMatchObject({
      above: { problem: 'postgres/database-connection-pool-exhaustion' },
      changes: [
        { estimate: 'impact', to: 8.1 },
        { estimate: 'urgency', to: 'critical' },
        { estimate: 'successProb', to: 0.91 },
        { estimate: 'resourceCost', to: 'minimal' },
      ],
    });
  });
});

function sourceOf(start: number, end: number): string {
  return readFileSync(path, 'utf8').slice(start, end);
}
