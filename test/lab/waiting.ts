import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats the question until the answer is true; fails after `withinMs`. */
export async function eventually(withinMs: number, question: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + withinMs;
  while (!(await question())) {
    if (Date.now() > until) throw new Error(`not so within ${withinMs} ms: ${question.toString()}`);
    await sleep(100);
  }
}

/** Does all of it, so much at once. */
export async function inTurn(atOnce: number, work: readonly (() => Promise<unknown>)[]): Promise<void> {
  const waiting = [...work];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
    }),
  );
}
