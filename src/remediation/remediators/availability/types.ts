import { z } from 'zod';
import type { EngineEvent, LogLine } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { SqlResult } from '../../../host/postgres/types.ts';
import type { ExpectedInstance } from '../../contract.ts';

const conditionKinds = [
  /** It must exist, but no container has its name. */
  'missing',
  /** Created, and never started. */
  'never-started',
  /** Someone stopped or killed it. */
  'stopped',
  /** Its server or its start failed. */
  'failed',
  'paused',
  /** It ends after every start, and the engine starts it again. */
  'restart-loop',
  /** It runs, but its server does not answer. */
  'not-answering',
  /** It answers, but its own health check fails. */
  'unhealthy',
  /** It answers, but an init script failed at its first start, and the images run none again. */
  'half-made',
] as const;

export const details = z.strictObject({
  /** The container's id; empty if there is none. */
  container: z.string(),
  kind: z.enum(conditionKinds),
  /** Why a start would fail again, in the server's or the engine's words; empty if nothing speaks against a start. */
  obstacle: z.string(),
  /** Why a start needs approval; empty if it needs none. */
  approval: z.string(),
});

export type AvailabilityDetails = z.output<typeof details>;

export const expected = z.strictObject({
  container: z.string(),
  /** The id of the image with which a new container replaced it. Default: the container is still the same. */
  image: z.string().exactOptional(),
});

export type AvailabilityExpected = z.output<typeof expected>;

/** What was seen of one instance, just now. */
export interface Observation {
  readonly instance: Instance;
  /** Events of its container, oldest first. The engine keeps few, so they may be gone. */
  readonly events: readonly EngineEvent[];
  /** The end of the log since its last start. */
  readonly log: readonly LogLine[];
  /** The log from the first start on, of a container that was created in the last day and has been started again; else empty. */
  readonly firstStart: readonly LogLine[];
  /** The answer to a query; undefined unless it is running. */
  readonly answer: SqlResult | undefined;
}

/** A condition without an instance: only its name and why it is expected are known. */
export type Missing = ExpectedInstance;
