import type { Change, Container, Mount, RestartPolicy } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { Json } from '../../util/json.ts';
import { isWithin } from '../../util/text.ts';
import {
  asideName,
  type Leftover,
  type Precondition,
  type ReadonlyHost,
  type Refusal,
  type Step,
} from '../contract.ts';
import { refusal } from './for-each-instance.ts';

/** What a person does instead, in the words of the change that is wanted. */
export interface RecreateAdvice {
  readonly autoRemove?: string;
  readonly compose?: (file: string) => string;
  readonly swarm?: (service: string) => string;
}

/**
 * Why no program may put a new container in the place of this one, on the same data, if so.
 * See docs/engineering/recreating.md#when-to-refuse.
 */
export async function refusalToRecreate(
  instance: Instance,
  host: ReadonlyHost,
  advice: RecreateAdvice = {},
): Promise<Refusal | undefined> {
  return (
    refusalForOwner(instance.container, advice) ??
    (await refusalForData(instance, host)) ??
    (await refusalForNeighbours(instance.container, host))
  );
}

/** Where somebody else removes a container when it stops, or makes it anew by itself. */
export function refusalForOwner(
  { name, autoRemove, labels }: Container,
  { autoRemove: instead, compose, swarm }: RecreateAdvice = {},
): Refusal | undefined {
  if (autoRemove) {
    return refusal(
      `${name} was made with --rm: when it stops, the engine removes it and its anonymous volumes.`,
      instead ?? 'Create it again without --rm and with its volume by name.',
    );
  }
  const project = labels['com.docker.compose.project'];
  if (project !== undefined) {
    const file = labels['com.docker.compose.project.config_files'] ?? 'its compose file';
    return refusal(
      `${name} belongs to the Compose project ${project}: the next \`docker compose up\` would undo the change.`,
      compose?.(file) ?? `Change it in ${file}, and run docker compose up -d.`,
    );
  }
  if (labels['com.docker.swarm.service.id'] === undefined) return undefined;
  const service = labels['com.docker.swarm.service.name'] ?? 'its service';
  return refusal(
    `${name} belongs to the Swarm service ${service}, which replaces its containers by itself.`,
    swarm?.(service) ?? `Change it with docker service update ${service}.`,
  );
}

/** What a recreate would lose or destroy. */
async function refusalForData(
  { container, dataMount, dataDirectory }: Instance,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  if (dataMount === undefined) {
    return refusal(
      `The data of ${container.name} is in the container itself (${dataDirectory}), not in a volume: a new container would not have it.`,
      'Dump it and restore it into an instance with a volume.',
    );
  }
  const lost = lostOnRecreate(await host.docker.changes(container.id), container.mounts);
  if (lost.length > 0) {
    const shown = lost.slice(0, 5).join(', ');
    return refusal(
      `${container.name} has changes outside its volumes, which a new container would not have: ${shown}${lost.length > 5 ? ' and more' : ''}.`,
      'Move them into the image or a volume, or undo them.',
    );
  }
  const other = (await host.docker.containers()).find(
    ({ id, state, mounts }) =>
      id !== container.id && state.running && mounts.some((mount) => isSameMount(mount, dataMount)),
  );
  return other === undefined
    ? undefined
    : refusal(
        `${other.name} runs on the data of ${container.name}: two servers on one volume destroy it.`,
        `docker stop ${other.name}, after looking which of the two is right.`,
      );
}

/** Containers that are tied to this very container would be cut off: they name its id, or follow its name. */
async function refusalForNeighbours({ id, name }: Container, host: ReadonlyHost): Promise<Refusal | undefined> {
  const tied = (await host.docker.containers()).find(
    ({ networkMode, inspect }) => networkMode === `container:${id}` || linksTo(inspect, name),
  );
  return tied === undefined
    ? undefined
    : refusal(
        `${tied.name} is tied to ${name} itself, by a legacy link or by sharing its network, and could not start again with a new one.`,
        `Remove ${tied.name}, or connect it by a common network instead.`,
      );
}

/**
 * Paths that a container has written outside its volumes, and that are no traces of running: sockets, locks, temporary
 * files, logs, histories of shells.
 */
export function lostOnRecreate(changes: readonly Change[], mounts: readonly Mount[]): readonly string[] {
  const paths = changes.map(({ path }) => path);
  return paths.filter((path) => {
    if (/^\/(?:var\/)?(?:run|tmp|log|cache|lock)(?:\/|$)|^\/(?:dev|proc|sys)(?:\/|$)/.test(path)) return false;
    if (/\/\.(?:psql|bash|ash|sh|python|node_repl)_history$|\/\.(?:lesshst|viminfo)$/.test(path)) return false;
    // The engine itself puts it there for `--init`.
    if (/^\/(?:usr\/)?sbin\/docker-init$/.test(path)) return false;
    if (mounts.some(({ destination }) => isWithin(path, destination) || isWithin(destination, path))) return false;
    // A folder is listed because of what changed in it; a top-level one also when that has gone again.
    return (
      !paths.some((other) => other !== path && isWithin(other, path)) &&
      path.lastIndexOf('/') > 0 &&
      !/^\/var\/[^/]+$/.test(path)
    );
  });
}

/** Whether two mounts are of one volume or one folder, wherever in their containers. */
export function isSameMount(a: Mount, b: Mount): boolean {
  return a.type === b.type && (a.type === 'volume' ? a.name === b.name : a.source === b.source);
}

function linksTo(inspect: Container['inspect'], name: string): boolean {
  const host =
    typeof inspect === 'object' && inspect !== null && 'HostConfig' in inspect ? inspect['HostConfig'] : null;
  const links = typeof host === 'object' && host !== null && 'Links' in host ? host['Links'] : null;
  return Array.isArray(links) && links.some((link) => typeof link === 'string' && link.startsWith(`/${name}:`));
}

export interface Recreation {
  readonly instance: Instance;
  /** What the new container has otherwise: the `edits` of `container.recreate`. */
  readonly edits: { readonly [key: string]: Json };
  /** Why a new container is needed: a sentence. */
  readonly why: string;
  /** What has to be done between the old server's end and the new container: then that is made while nobody answers. */
  readonly whileStopped?: readonly Step[];
  /** Beyond that the old one is stopped and kept aside. */
  readonly startExpects?: readonly Precondition[];
  /** Default true. `false`: its server does not come up, and its container is never twice the same. */
  readonly serves?: boolean;
}

/**
 * The steps that put a new container in the place of an instance's, on the same data. The order costs least: the new
 * container is made while the old one still runs, and only between its stop and the start of the new one nobody
 * answers. The old one first loses its restart policy, or it would come back beside the new one when the engine
 * restarts (docs/engineering/docker-engine.md#restart-policy). `refusalToRecreate` has been asked before.
 */
export function recreateSteps(recreation: Recreation): readonly Step[] {
  const { instance, edits, why, whileStopped = [], startExpects = [], serves = true } = recreation;
  const { id, name, image, state } = instance.container;
  const { running } = state;
  const aside = asideName(instance.container);
  const { unchanged, alone } = recordsToKeep(instance, serves);
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
export function stopStep({ container: { id } }: Instance, serves: boolean, expects: readonly Precondition[]): Step {
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
export function recordsToKeep(
  { container, volumeKey }: Instance,
  serves = true,
): {
  readonly unchanged: Precondition;
  readonly alone: Precondition;
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
