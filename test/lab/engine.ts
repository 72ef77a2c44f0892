import Docker from 'dockerode';

/**
 * The lab's own client of the engine that DOCKER_HOST or the usual socket names. Tests break things with it; the
 * product has another, so that a fault of one cannot hide in the other.
 */
export function createEngineClient(): Docker {
  return new Docker();
}

let answer: Promise<boolean> | undefined;

/** Whether an engine answers within three seconds. Asked once for each process. */
export function engineAnswers(): Promise<boolean> {
  answer ??= new Docker({ timeout: 3000 }).ping().then(
    () => true,
    () => false,
  );
  return answer;
}

/** Whether the lab's absence is a failure: CI=true, or PROBLEMS_LAB=required. */
export function labIsRequired(): boolean {
  return process.env['CI'] === 'true' || process.env['PROBLEMS_LAB'] === 'required';
}

/** The HTTP status of an engine's refusal; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}
