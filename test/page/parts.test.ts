import { describe, expect, it } from 'vitest';
import { availability, type Cell, cellsOf, stripText } from '../../src/page/charts/strip.ts';
import { productWith, stagesOf } from '../../src/page/charts/waterfall.ts';
import { age, bytes, clock, duration, relative, visible } from '../../src/page/format.ts';
import { bestOf, daysUntil } from '../../src/page/pages/backups.ts';
import { compareSteps } from '../../src/page/pages/plan.ts';
import { sampleBackup } from '../service/sample-view.ts';
import { answersFor } from './answers.ts';

const noon = Date.parse('2026-11-30T12:00:00.000Z');

describe('figures and times', () => {
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1536, '1.5 KiB'],
    [-(1024 ** 3), '−1 GiB'],
    [13.6 * 1024 ** 3, '13.6 GiB'],
  ])('writes %d bytes as %s', (value, text) => expect(bytes(value)).toBe(text));

  it.each([
    [0, '0 s'],
    [0.4, '400 ms'],
    [94, '1 min 34 s'],
    [3600, '1 h'],
    [90_061, '1 d 1 h'],
  ])('writes %d seconds as %s', (value, text) => expect(duration(value)).toBe(text));

  it('writes ages in one unit, and times by their distance', () => {
    expect([0, 59_999, 60_000, 7_200_000, 172_800_000].map(age)).toEqual(['0 s', '59 s', '1 min', '2 h', '2 d']);
    expect(relative('2026-11-30T11:59:20.000Z', noon)).toBe('40 s ago');
    expect(relative('2026-11-30T12:05:00.000Z', noon)).toBe('in 5 min');
    expect(clock('2026-11-30T13:55:00.000Z', noon)).toBe('13:55');
    expect(clock('2026-12-05T02:00:00.000Z', noon)).toBe('Sat 02:00');
    expect(clock('not a time', noon)).toBe('not a time');
  });

  it('writes out what is hidden in a text, and keeps lines', () => {
    expect(visible('a\u202eb\u0000\u200b\n\tc é 日本')).toBe('a\\u202eb\\u0000\\u200b\n\tc é 日本');
  });
});

describe('a strip', () => {
  it('takes the worst of each quarter of an hour, and does not call up what was not seen', () => {
    const sample = {
      memoryUsage: null,
      memoryLimit: null,
      memoryWorstCase: null,
      connections: null,
      connectionsLimit: null,
      databaseBytes: null,
    };
    const at = (minutes: number) => new Date(noon - minutes * 60_000).toISOString();
    const cells = cellsOf(
      [
        { ...sample, at: at(14), status: 'up', findings: 0 },
        { ...sample, at: at(10), status: 'down', findings: 0 },
        { ...sample, at: at(20), status: 'up', findings: 2 },
        { ...sample, at: at(40), status: 'unknown', findings: null },
        { ...sample, at: at(3000), status: 'down', findings: 0 },
      ],
      noon,
    );
    expect(cells).toHaveLength(96);
    expect(cells.slice(-4)).toEqual(['none', 'unknown', 'found', 'down']);
    expect(cells.filter((cell) => cell === 'up')).toEqual([]);
    expect(stripText(cells)).toBe('Last 24 h: up with findings 15 min, not checked 15 min, down 15 min.');
    expect(availability(cells)).toBe('15 min down in the 30 min that were checked');
  });

  it.each([
    ['no outage in 24 h', { up: 96 }],
    ['no outage in the 1.5 h that were checked', { up: 6, unknown: 40 }],
    ['30 min down in 24 h', { up: 94, down: 2 }],
    ['not checked in 24 h', { unknown: 10 }],
  ] as const)('speaks only of what was checked: %s', (says, counts) => {
    const checked = Object.entries(counts).flatMap(([cell, count]) => Array<string>(count).fill(cell)) as Cell[];
    const unseen = Array<Cell>(96 - checked.length).fill('none');
    expect(availability([...unseen, ...checked])).toBe(says);
  });
});

describe('the waterfall of a score', () => {
  const tasks = answersFor().tasks;

  it.each(tasks.map(({ task }) => [task.title, task.priority] as const))(
    'of "%s" ends at its score',
    (_, { factors, score }) => {
      expect(stagesOf(factors).at(-1)?.after).toBeCloseTo(score, 5);
      expect(productWith(factors, {})).toBeCloseTo(score, 5);
    },
  );

  it('answers what if by the weights in use', () => {
    const [first] = tasks;
    if (first === undefined) throw new Error('a task');
    const { factors, score } = first.task.priority;
    expect(productWith(factors, { cost: 2 })).toBeCloseTo(score / 2, 5);
  });
});

describe('the matrix of backups', () => {
  it('names the days up to now', () => {
    expect(daysUntil(noon, 3)).toEqual(['2026-11-28', '2026-11-29', '2026-11-30']);
  });

  it('shows the highest level of a day, and a broken backup only if there is no other', () => {
    const bad = sampleBackup({ name: 'bad', verdict: 'bad', reached: null });
    const fresh = sampleBackup({ name: 'fresh', verdict: 'unproven', reached: null });
    const good = sampleBackup({ name: 'good', reached: 'L4' });
    expect(bestOf([bad, fresh, good])?.name).toBe('good');
    expect(bestOf([bad, fresh])?.name).toBe('fresh');
    expect(bestOf([bad])?.name).toBe('bad');
    expect(bestOf([])).toBeUndefined();
  });
});

describe('two plans', () => {
  it('are compared by their lines', () => {
    const step = (what: string) => ({ what, undo: null, downtime: false });
    expect(compareSteps([step('a'), step('b')], [step('a'), step('c')])).toEqual([
      { sign: '−', text: 'b' },
      { sign: ' ', text: 'a' },
      { sign: '+', text: 'c' },
    ]);
  });
});
