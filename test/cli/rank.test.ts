import { describe, expect, it } from 'vitest';
import { opened, outcome, recordView } from '../learning/records.ts';
import { run } from './run.ts';

const start = { type: 'start', seed: 1, workers: 2, scanHours: 1 };
const record = recordView();

describe('problems rank', () => {
  it('answers each question of its input with one line', async () => {
    const { code, stdout, stderr } = await run(['rank', '--jsonl'], {
      input: lines(
        start,
        { type: 'rank', now: 1, take: 2, events: [opened(record), outcome()], open: [record.id] },
        { type: 'explain', now: 1, id: record.id },
        {
          type: 'forecast',
          now: 1,
          events: [],
          batch: { id: 'b', hour: 9, size: 5, gapMinutes: 1, startMinutes: 2, explicitPorts: 0.5, instances: 20 },
        },
        {
          type: 'memory',
          budget: 1024,
          instances: [{ name: 'a', template: 't', limit: 512, days: [{ peak: 300, killed: false }] }],
        },
        { type: 'measure', trials: [{ at: 1, kind: 'creation', ok: true }], before: [0, 2], after: [2, 4] },
      ),
    });
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(answers).toMatchObject([
      { order: [{ id: record.id, handler: 'port-reassignment' }] },
      { score: expect.any(Number), factors: expect.any(Array) },
      { conflict: expect.any(Number) },
      { limits: { a: expect.any(Number) } },
      { creation: { before: { rate: expect.any(Number) } }, backup: { better: expect.any(Number) } },
    ]);
  });

  it('answers a bad line with an error, goes on, and exits with 1', async () => {
    const { code, stdout } = await run(['rank', '--jsonl'], {
      input: `${lines(start)}nonsense\r\n\n${lines({ type: 'rank', now: 1, take: 1, events: [opened(record)], open: [record.id] }).trimEnd()}`,
    });
    const [error, ranked] = stdout.trimEnd().split('\n');
    expect(code).toBe(1);
    expect(error).toBe(
      '{"error":{"line":2,"message":"The line is not valid JSON.","hint":"`problems schema rank` prints the JSON Schema of the lines."}}',
    );
    expect(ranked).toContain('"order":[{"id":"app/ports"');
  });

  it('refuses to run without --jsonl', async () => {
    const { code, stderr } = await run(['rank']);
    expect(code).toBe(2);
    expect(stderr).toContain('problems rank --jsonl');
  });
});

function lines(...values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}
