import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { isAnswer, waitUntilReady } from '../../shared/availability.ts';
import { answerCheck, type Check, withoutAnswer } from '../../shared/settings-steps.ts';
import type { AvailabilityExpected } from './types.ts';

/** A server that survives this long after its first answer has not entered a restart loop, in milliseconds. */
const steadyMs = 3_000;

/** The instance answers, and a few seconds later it is still the same run of its container. */
export async function verify(plan: Plan<AvailabilityExpected>, host: ReadonlyHost): Promise<Verification> {
  const { target, expected } = plan;
  const first = await waitUntilReady(target.instance, host);
  const checks: Check[] = [answerCheck(first)];
  if (first.answer?.ok !== true) return { result: withoutAnswer(first), checks };
  await sleep(steadyMs, undefined, { signal: host.signal });
  const later = await host.instance(target.instance);
  const before = first.instance?.container.state.startedAt ?? '';
  const isSame =
    later !== undefined &&
    (expected.image === undefined
      ? later.container.id === expected.container
      : later.container.image === expected.image) &&
    later.container.state.running &&
    later.container.state.startedAt === before;
  const again = later === undefined ? undefined : await host.sql.query(later, 'SELECT 1', { timeoutMs: 5_000 });
  checks.push({
    name: 'it keeps running',
    ok: isSame && again !== undefined && isAnswer(again),
    seen: isSame ? `since ${before}` : (later?.container.state.status ?? 'no container'),
  });
  return {
    result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified',
    answeredAt: first.answeredAt,
    checks,
  };
}
