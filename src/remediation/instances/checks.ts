import type { Container, RestartPolicy } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { ReadonlyHost, Verification } from '../contract.ts';
import { restartPolicyOf } from '../shared/recreate.ts';
import type { FirstAnswer } from './first-answer.ts';

export type Check = Verification['checks'][number];

/** Whether and how it answered; a verification whose login was refused is `impossible`. */
export function answerCheck({ instance, answer }: FirstAnswer, name = 'it answers a query'): Check {
  if (answer === undefined) return { name, ok: false, seen: instance?.container.state.status ?? 'no container' };
  if (answer.ok) return { name, ok: true, seen: `yes, by way of ${answer.via}` };
  return { name, ok: false, seen: `${answer.sqlstate ?? ''} ${answer.message}`.trim() };
}

/** The result of a verification whose first question got no answer. */
export function withoutAnswer({ answer }: FirstAnswer): 'impossible' | 'not-verified' {
  return answer?.ok === false && answer.sqlstate?.startsWith('28') === true ? 'impossible' : 'not-verified';
}

/** `expected`: as `pg_control` had it; null where there was no cluster yet. */
export function sameClusterCheck({ answer }: FirstAnswer, expected: string | null): Check {
  const seen = answer?.ok === true ? (answer.rows[0]?.['system_identifier'] ?? '') : 'no answer';
  return {
    name: 'the same cluster (system_identifier)',
    ok: expected === null || seen === expected,
    seen: expected === null ? `${seen}, new` : seen,
  };
}

/** On an instance with a history an init is the sign of a wrong mount: PGOPS §0.3. */
export async function notInitialisedCheck(
  { container }: Instance,
  hasHistory: boolean,
  host: ReadonlyHost,
): Promise<Check> {
  const initLine = 'PostgreSQL init process complete';
  const lines = await host.docker.logs(container.id, { since: container.state.startedAt, tail: 1_000 });
  const made = lines.some(({ text }) => text.includes(initLine));
  return {
    name: 'no new cluster was made',
    ok: !made || !hasHistory,
    seen: made ? initLine : 'no such line in the log',
  };
}

export function policyCheck(container: Container, wanted: RestartPolicy): Check {
  const seen = restartPolicyOf(container);
  const ok = seen.name === (wanted.name || 'no') && seen.maximumRetryCount === wanted.maximumRetryCount;
  return { name: 'the restart policy is as before', ok, seen: seen.name };
}

/** The replaced container must neither run nor come back. */
export function asideCheck(old: Container | undefined): Check {
  const policy = old?.restartPolicy.name || 'no';
  return {
    name: 'the old container stays stopped',
    ok: old?.state.running === false && policy === 'no',
    seen: old === undefined ? 'it is gone' : `${old.state.status}, restart ${policy}`,
  };
}
