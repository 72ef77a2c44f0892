import type { Decision, Hold } from './policy.ts';

/** What a person who approves must say besides: `damage`: I know that data may be damaged. `failures`: I know that it failed. */
export type Despite = 'damage' | 'failures';

/** What stands against an approval. */
export interface Overruling {
  /** Nobody lets it run by approving: first of what lies in the way. */
  readonly forbidden: Hold | undefined;
  /** What must be said besides, in order. */
  readonly demanded: readonly Despite[];
  /** What the approval overrules. */
  readonly overruled: readonly string[];
}

const lasting: readonly Hold['cause'][] = ['policy', 'never', 'damage'];

/** The command that says all that is demanded. */
export function approveCommand(run: string, demanded: readonly Despite[]): string {
  return ['problems approve', run, ...demanded.map((cause) => `--despite-${cause}`)].join(' ');
}

/**
 * What a person decides by approving a plan that was left to one. `never` holds for everybody, and a pause and a
 * suspension until they are lifted; what the policy leaves to a person is decided by the approval itself. Rule: PGOPS §8.1.
 * @param now As the world is now.
 * @param planned As it was when the plan was made: damage that was seen then is not forgotten because another detector
 * looks now, and an operation that is never done stays so.
 */
export function overruling(now: Decision, planned: Decision): Overruling {
  const current = now.holds ?? [];
  const known = new Set(current.map(({ reason }) => reason));
  const holds = [
    ...current,
    ...(planned.holds ?? []).filter(({ cause, reason }) => lasting.includes(cause) && !known.has(reason)),
  ];
  const overruled = holds.filter(({ cause }) => cause === 'policy' || cause === 'damage' || cause === 'failures');
  return {
    forbidden: (['never', 'pause', 'suspension'] as const)
      .map((cause) => holds.find((hold) => hold.cause === cause))
      .find((hold) => hold !== undefined),
    demanded: (['damage', 'failures'] as const).filter((cause) => holds.some((hold) => hold.cause === cause)),
    overruled: overruled.map(({ reason }) => reason),
  };
}
