/** How long it takes to read a history and to rank by it, beside the time to parse its JSON alone. */
import { createRankSession } from '../src/learning/session.ts';
import type { Event, RecordView } from '../src/learning/types.ts';
import { compare, type Ratio } from './measuring.ts';

const minutesApart = 3;

/**
 * One line of `problems rank --jsonl`: so many attempts on two fifths as many problems, one in a hundred of which is a pattern,
 * and a ranking of 700 of them. Kinds of problems, stated values and handlers are as many as in a large fleet.
 */
export function historyLine(outcomes: number): string {
  const next = createRandom();
  const pick = (count: number) => Math.floor(next() * count);
  const problems = Math.round(outcomes * 0.4);
  const patterns = Math.max(1, Math.round(problems / 100));
  const records = Array.from({ length: problems }, (_, number): RecordView => {
    const topic = `topic-${pick(9)}`;
    const isPattern = number < patterns;
    return {
      id: `app/problem-${number}`,
      kind: isPattern ? 'pattern' : 'active',
      class: 'other',
      topic,
      finding: `${topic}-${pick(4)}`,
      instance: `db-${pick(60)}`,
      image: `image-${pick(5)}`,
      postgres: 14 + pick(5),
      estimates: {
        impact: 1 + pick(10),
        urgency: (['critical', 'high', 'medium', 'low'] as const)[pick(4)] ?? 'low',
        successProb: (1 + pick(9)) / 10,
        resourceCost: (['minimal', 'moderate', 'heavy'] as const)[pick(3)] ?? 'heavy',
        provenance: next() < 0.6 ? 'stated' : 'derived',
      },
      handlers: [`${topic}-repair`, 'agent', 'person'],
      pattern: !isPattern && next() < 0.3 ? `app/problem-${pick(patterns)}` : null,
      openedAt: 0,
    };
  });
  const attempts = Array.from({ length: outcomes }, (_, number): Event => {
    const record = records[number % problems] ?? records[0];
    const at = 1 + (number * minutesApart) / 60;
    return {
      type: 'outcome',
      at,
      id: record?.id ?? '',
      handler: record?.handlers[pick(3)] ?? 'agent',
      startedAt: at - 0.5,
      minutes: 10 + pick(100),
      fixed: next() < 0.6,
    };
  });
  const events: readonly Event[] = [
    ...records.map((record): Event => ({ type: 'opened', at: 0, record })),
    ...attempts,
  ];
  const now = 1 + (outcomes * minutesApart) / 60;
  return JSON.stringify({ type: 'rank', now, take: 10, events, open: records.slice(0, 700).map(({ id }) => id) });
}

/** Times of the processor, so that what else the machine does counts less. */
export function speedOf(line: string, rounds: number): Ratio {
  return compare(
    { run: () => processorTime(() => createRankSession().answer(line)) },
    { run: () => processorTime(() => JSON.parse(line)) },
    rounds,
  );
}

/** In milliseconds, of all threads of this process. */
function processorTime(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The same numbers in each run: D. Knuth's linear congruence. */
function createRandom(): () => number {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
