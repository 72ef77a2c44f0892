import { setTimeout as sleep } from 'node:timers/promises';
import { getEntries } from '../util/json.ts';
import { type ChangingEngine, jsonOf, requireSuccess } from './docker/client.ts';
import type { HelperResult, HelperSpec } from './docker/types.ts';
import { createHelper, execIn, type ExecSpec } from './exec.ts';
import { removeHelper } from './helper-cleanup.ts';

/** A helper in which several commands run one after the other, each with its own user, input and exit code. */
export interface HelperSession {
  /** Fails if the helper has ended, and then {@link withSession} says why. */
  run(spec: ExecSpec): Promise<HelperResult>;
}

export type SessionSpec = Pick<HelperSpec, 'task' | 'image' | 'labels'> & {
  /** Of its first process, which only sleeps. Numbers, neither of them 0. */
  readonly user: string;
  /** The only path that can be written, on a temporary volume. It gets the owner and mode that the image gives it. */
  readonly scratch: string;
  readonly seconds: number;
  /** Runs as long as the session, as `user`. If it ends by itself, the session ends. */
  readonly watch: readonly string[];
};

/** Why no more commands can run. */
export interface SessionEnded {
  readonly ended: 'time' | 'watch';
}

/** Has no capabilities, no network and no mount but the scratch volume, and is removed with it at the end. */
export async function withSession<Result>(
  engine: ChangingEngine,
  { seconds, watch, ...spec }: SessionSpec,
  work: (session: HelperSession) => Promise<Result>,
): Promise<Result | SessionEnded> {
  const declared = jsonOf(
    await engine.get({ path: `/images/${encodeURIComponent(spec.image)}/json` }),
    `inspect image ${spec.image}`,
  );
  const closed = getEntries(declared, 'Config', 'Volumes')
    .map(([path]) => path)
    .filter((path) => path !== spec.scratch);
  const id = await createHelper(engine, { ...spec, closed, command: ['sleep', String(seconds)] });
  const over = new Error('the helper has ended');
  let ended: SessionEnded['ended'] | undefined;
  let isOver = false;
  try {
    requireSuccess(await engine.post({ path: `/containers/${id}/start` }), 'start a helper container');
    const deadline = performance.now() + seconds * 1_000;
    const watching = execIn(engine, id, { command: watch, user: spec.user, timeoutMs: seconds * 1_000 + 20_000 })
      .catch(() => undefined)
      .then(async () => {
        if (isOver) return;
        ended = performance.now() >= deadline - 500 ? 'time' : 'watch';
        await removeHelper(engine, id);
      });
    const session: HelperSession = {
      async run(exec) {
        try {
          const result = await execIn(engine, id, {
            timeoutMs: Math.ceil(deadline - performance.now()) + 20_000,
            ...exec,
          });
          // The watch may be about to say why.
          if (result.exitCode === 137) await Promise.race([watching, sleep(1_500, undefined, { ref: false })]);
          if (ended === undefined) return result;
        } catch (error) {
          await Promise.race([watching, sleep(1_500, undefined, { ref: false })]);
          if (ended === undefined) throw error;
        }
        throw over;
      },
    };
    return await work(session);
  } catch (error) {
    if (error === over && ended !== undefined) return { ended };
    throw error;
  } finally {
    isOver = true;
    await removeHelper(engine, id);
  }
}
