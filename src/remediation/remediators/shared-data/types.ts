import { z } from 'zod';
import type { Container } from '../../../host/docker/types.ts';
import { compareText } from '../../../util/compare.ts';

export const details = z.strictObject({
  /** The instance's container. */
  container: z.string(),
  /** The other server's container, and its name. */
  other: z.string(),
  otherName: z.string(),
  /** The container that started later. */
  later: z.string(),
});

export type SharedDataDetails = z.output<typeof details>;

/** The container to stop, and the one that goes on. */
export const expected = z.strictObject({ stopped: z.string(), goesOn: z.string() });

export type SharedDataExpected = z.output<typeof expected>;

/** The one of two containers that started later; of two that started together, the one with the later id. */
export function laterOf(a: Container, b: Container): Container {
  const order = compareText(a.state.startedAt, b.state.startedAt) || compareText(a.id, b.id);
  return order > 0 ? a : b;
}
