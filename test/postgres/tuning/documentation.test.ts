import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  connectionCeiling,
  formatValue,
  parseSize,
  profiles,
  pgtune,
  recommend,
  sharedMemoryOf,
} from '../../../src/postgres/tuning/index.ts';

const text = readFileSync('docs/tuning.md', 'utf8');

/** The rows of the first table whose header starts with these columns. */
function tableAfter(...columns: readonly string[]): readonly Readonly<Record<string, string>>[] {
  const lines = text.split('\n').map((line) => cellsOf(line));
  const head = lines.findIndex((cells) => columns.every((column, at) => cells[at] === column));
  const names = lines[head] ?? [];
  const end = lines.findIndex((cells, at) => at > head && cells.length === 0);
  return lines
    .slice(head + 2, end)
    .map((cells) => Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ''])));
}

function cellsOf(line: string): readonly string[] {
  return line.startsWith('|')
    ? line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim())
    : [];
}

function bytes(of: string | undefined): number {
  const found = parseSize(of ?? '');
  if (found === undefined) throw new Error(`${of} is no size`);
  return found;
}

function profileOf(row: Readonly<Record<string, string>>) {
  const found = profiles.find((profile) => profile === row['profile']);
  if (found === undefined) throw new Error(`${row['profile']} is no profile`);
  return found;
}

describe('docs/tuning.md', () => {
  it('shows PGTune’s values as the code has them', () => {
    const rows = tableAfter('profile', 'memory');
    expect(rows.map(({ profile }) => profile)).toEqual(profiles);
    for (const { profile, memory, CPUs, connections, ...values } of rows) {
      const advice = pgtune({
        profile: profileOf({ profile: profile ?? '' }),
        memory: bytes(memory),
        cpus: Number(CPUs),
        connections: Number(connections),
        disk: 'ssd',
        major: 17,
      });
      expect(Object.fromEntries(advice.map(({ name, value }) => [name, formatValue(value)]))).toMatchObject(values);
    }
  });

  it('shows the ceilings as the code has them', () => {
    const rows = tableAfter('limit', 'CPUs');
    expect(rows).toHaveLength(4);
    for (const row of rows) {
      const { connections } = connectionCeiling({
        memory: bytes(row['limit']),
        cpus: Number(row['CPUs']),
        sharedMemory: sharedMemoryOf(bytes(row['shared_buffers'])),
        workMem: bytes('4MB'),
        hashMemMultiplier: 2,
        maintenanceWorkMem: bytes('64MB'),
        autovacuumWorkMem: bytes(row['autovacuum_work_mem']),
        autovacuumMaxWorkers: 3,
        perBackend: bytes(row['a backend']),
      });
      expect(connections).toBe(Number(row['ceiling']));
    }
  });

  it('shows corrected values as the code has them', () => {
    const rows = tableAfter('profile', 'limit');
    expect(rows).toHaveLength(6);
    for (const row of rows) {
      const { profile: _, limit, CPUs, 'a backend': perBackend, ...values } = row;
      const { advice } = recommend({
        profile: profileOf(row),
        memory: bytes(limit),
        memoryIs: 'limit',
        cpus: Number(CPUs),
        disk: 'ssd',
        major: 17,
        walNeededBy: [],
        perBackend: bytes(perBackend),
        hashMemMultiplier: 2,
      });
      expect(Object.fromEntries(advice.map(({ name, value }) => [name, formatValue(value)]))).toMatchObject(values);
    }
  });
});
