import type { Container, RestartPolicy } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { Json } from '../../util/json.ts';
import { asideName, type Expectation, type Leftover, type Step } from '../contract.ts';

export interface Recreation {
  readonly instance: Instance;
  /** What the new container has otherwise: the `edits` of `container.recreate`. */
  readonly edits: { readonly [key: string]: Json };
  /** Why a new container is needed: a sentence. */
  readonly why: string;
  /** What has to be done between the old server's end and the new container: then that is made while nobody answers. */
  readonly whileStopped?: readonly Step[];
  /** Beyond that the old one is stopped and kept aside. */
  readonly startExpects?: readonly Expectation[];
  /** Default true. `false`: its server does not come up, and its container is never twice the same. */
  readonly serves?: boolean;
}

/**
 * The steps that put a new container in the place of an instance's, on the same data. The order costs least: the new
 * container is made while the old one still runs, and only between its stop and the start of the new one nobody answers.
 * The old one first loses its restart policy, or it would come back beside the new one when the engine restarts
 * (PGOPS §0.2). `refusalToRecreate` has been asked before.
 */
export function recreateSteps(recreation: Recreation): readonly Step[] {
  const { instance, edits, why, whileStopped = [], startExpects = [], serves = true } = recreation;
  const { id, name, image, state } = instance.container;
  const { running } = state;
  const aside = asideName(instance.container);
  const { unchanged, alone } = beforehand(instance, serves);
  const stop: readonly Step[] = running ? [stopStep(instance, serves, [alone])] : [];
  // The engine refuses to rename what it is about to start again.
  const early = whileStopped.length > 0 || !serves;
  return [
    {
      action: 'container.update-restart-policy',
      params: { container: id, policy: { name: 'no', maximumRetryCount: 0 } },
      why: 'The old container must not come back beside the new one when the engine restarts.',
      expects: [unchanged, alone],
    },
    ...(early ? [...stop, ...whileStopped] : []),
    {
      action: 'container.rename',
      params: { container: id, name: aside },
      why: 'It is kept, and the new one takes its name.',
    },
    {
      action: 'container.recreate',
      params: { from: id, name, edits },
      why,
      expects: [{ check: 'container', ref: id, name: aside, image, running: running && !early }],
    },
    ...(early ? [] : stop),
    {
      action: 'container.start',
      params: { container: name },
      // That nobody else runs on the data is asked by the start itself: twice would be time in which nobody answers.
      expects: [{ check: 'container', ref: id, running: false, name: aside }, ...startExpects],
    },
    {
      action: 'container.update-restart-policy',
      params: { container: name, policy: restartPolicyOf(instance.container) },
      why: 'As it was.',
    },
  ];
}

/**
 * A server that does not come up cannot end cleanly either: what it had not written is recovered at the start. One that
 * has come up since is not stopped.
 */
export function stopStep({ container: { id } }: Instance, serves: boolean, expects: readonly Expectation[]): Step {
  return serves
    ? { action: 'container.stop', params: { container: id }, expects }
    : {
        action: 'container.stop',
        params: { container: id, clean: false },
        expects: [...expects, { check: 'not-serving', ref: id }],
      };
}

/**
 * What must still hold when the first step begins: the container as it was looked at, and nobody else on its data. Of one
 * that the engine keeps restarting (`serves` is false) only what does not change from start to start.
 */
export function beforehand(
  { container, volumeKey }: Instance,
  serves = true,
): {
  readonly unchanged: Expectation;
  readonly alone: Expectation;
} {
  const { id, name, image, state } = container;
  const { running, startedAt } = state;
  return {
    unchanged: {
      check: 'container',
      ref: id,
      name,
      image,
      ...(serves ? { running } : {}),
      ...(serves && running ? { startedAt } : {}),
    },
    alone: { check: 'volume-unused', volumeKey, except: running || !serves ? [id] : [] },
  };
}

/** The replaced container, which no program removes. */
export function keptContainer(container: Container): Leftover {
  const aside = asideName(container);
  return {
    object: `container ${aside}`,
    why: 'The old container, without its data: kept with its logs until nobody wants it back.',
    command: `docker rm ${aside}`,
  };
}

/** For the end of a plan: one that somebody had stopped was only started to see that it can be. */
export function stoppedAgain(container: string): Step {
  return {
    action: 'container.stop',
    params: { container },
    why: 'Somebody had stopped it, and it stays so.',
  };
}

/** As Docker takes it: it calls no policy by two names. */
export function restartPolicyOf({ restartPolicy: { name, maximumRetryCount } }: Container): {
  readonly name: RestartPolicy['name'];
  readonly maximumRetryCount: number;
} {
  return { name: name === '' ? 'no' : name, maximumRetryCount };
}
