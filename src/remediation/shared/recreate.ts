import { projectNameOf, serviceOf, statedFiles } from '../../compose/project.ts';
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

/** Advice for doing the same change by hand. */
export interface RecreateAdvice {
  readonly autoRemove?: string;
  readonly compose?: (file: string) => string;
  /** The repair changes the Compose project itself, if the labels say where its files are. */
  readonly editsCompose?: true;
  readonly swarm?: (service: string) => string;
}

/**
 * Why this container must not be replaced automatically by a new one on the same data; undefined if it may.
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

/** Refuses containers that Docker, Compose, Swarm or Kubernetes removes or recreates. */
export function refusalForOwner(
  { name, autoRemove, labels }: Container,
  { autoRemove: instead, compose, editsCompose, swarm }: RecreateAdvice = {},
): Refusal | undefined {
  if (autoRemove) {
    return refusal(
      `${name} was created with --rm: when it stops, the engine removes it and its anonymous volumes.`,
      instead ?? 'Recreate it without --rm and with a named volume.',
    );
  }
  const pod = labels['io.kubernetes.pod.name'];
  if (pod !== undefined) {
    return refusal(
      `${name} belongs to the Kubernetes pod ${labels['io.kubernetes.pod.namespace'] ?? 'default'}/${pod}, whose kubelet manages its containers.`,
      'Change it in the manifest or chart that creates the pod, and apply that.',
    );
  }
  const project = projectNameOf(labels);
  if (project !== undefined) {
    const file = statedFiles(labels);
    if (editsCompose === true && serviceOf(labels) !== undefined) return undefined;
    return refusal(
      `${name} belongs to the Compose project ${project}: the next \`docker compose up\` would undo the change.`,
      compose?.(file) ?? `Change it in ${file}, then run: docker compose up -d`,
    );
  }
  if (labels['com.docker.swarm.service.id'] === undefined) return undefined;
  const service = labels['com.docker.swarm.service.name'] ?? 'its service';
  return refusal(
    `${name} belongs to the Swarm service ${service}, which manages its containers.`,
    swarm?.(service) ?? `Change it with: docker service update ${service}`,
  );
}

/** Refuses containers whose data a recreate would lose or destroy. */
async function refusalForData(
  { container, dataMount, dataDirectory }: Instance,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  if (dataMount === undefined) {
    return refusal(
      `The data of ${container.name} is in the container itself (${dataDirectory}), not in a volume, and would be lost in a new container.`,
      'Dump it, and restore it into an instance with a volume.',
    );
  }
  const lost = lostOnRecreate(await host.docker.changes(container.id), container.mounts);
  if (lost.length > 0) {
    const shown = lost.slice(0, 5).join(', ');
    return refusal(
      `${container.name} has changes outside its volumes, which would be lost in a new container: ${shown}${lost.length > 5 ? ' and more' : ''}.`,
      'Move them into the image or a volume, or revert them.',
    );
  }
  const other = (await host.docker.containers()).find(
    ({ id, state, mounts }) =>
      id !== container.id && state.running && mounts.some((mount) => isSameMount(mount, dataMount)),
  );
  return other === undefined
    ? undefined
    : refusal(
        `${other.name} is running on the data of ${container.name}: two servers on one volume corrupt it.`,
        `Find out which of the two is the right one, then stop the other, for example: docker stop ${other.name}`,
      );
}

/** Refuses containers that others depend on by id or legacy link: a recreate would cut those off. */
async function refusalForNeighbours({ id, name }: Container, host: ReadonlyHost): Promise<Refusal | undefined> {
  const tied = (await host.docker.containers()).find(
    ({ networkMode, inspect }) => networkMode === `container:${id}` || linksTo(inspect, name),
  );
  return tied === undefined
    ? undefined
    : refusal(
        `${tied.name} depends on ${name} through a legacy link or its network namespace, and could not start with a new container.`,
        `Remove ${tied.name}, or connect both to a common network instead.`,
      );
}

/**
 * Paths that a container has written outside its volumes, except traces of running: sockets, locks, temporary files,
 * logs, shell histories.
 */
export function lostOnRecreate(changes: readonly Change[], mounts: readonly Mount[]): readonly string[] {
  const paths = changes.map(({ path }) => path);
  return paths.filter((path) => {
    if (/^\/(?:var\/)?(?:run|tmp|log|cache|lock)(?:\/|$)|^\/(?:dev|proc|sys)(?:\/|$)/.test(path)) return false;
    if (/\/\.(?:psql|bash|ash|sh|python|node_repl)_history$|\/\.(?:lesshst|viminfo)$/.test(path)) return false;
    // The engine creates it for `--init`.
    if (/^\/(?:usr\/)?sbin\/docker-init$/.test(path)) return false;
    if (mounts.some(({ destination }) => isWithin(path, destination) || isWithin(destination, path))) return false;
    // Docker lists a folder because something in it changed; a top-level one even after that was removed.
    return (
      !paths.some((other) => other !== path && isWithin(other, path)) &&
      path.lastIndexOf('/') > 0 &&
      !/^\/var\/[^/]+$/.test(path)
    );
  });
}

/** Whether two mounts are the same volume or folder, at any destination. */
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
  /** What to change in the new container: the `edits` of `container.recreate`. Default: nothing. */
  readonly edits?: { readonly [key: string]: Json };
  /** Another image that is on this machine, by name and id. Then nothing else changes. */
  readonly image?: { readonly image: string; readonly imageId: string };
  /** Why a new container is needed, one sentence. */
  readonly why: string;
  /** Steps between the stop of the old server and the creation of the new container; they add to the downtime. */
  readonly whileStopped?: readonly Step[];
  /** In addition to stopping and renaming the old one. */
  readonly startExpects?: readonly Precondition[];
  /** Default true. `false`: its server does not start, and its container changes state all the time. */
  readonly serves?: boolean;
}

/**
 * The steps that replace an instance's container with a new one on the same data, with the least downtime: the new
 * container is created while the old one is still running. The old one first loses its restart policy, or it would start
 * again next to the new one when the engine restarts (docs/engineering/docker-engine.md#restart-policy). Call
 * `refusalToRecreate` first.
 */
export function recreateSteps(recreation: Recreation): readonly Step[] {
  const { instance, edits = {}, image: next, why, whileStopped = [], startExpects = [], serves = true } = recreation;
  const { id, name, image, state } = instance.container;
  const { running } = state;
  const aside = asideName(instance.container);
  const { unchanged, alone } = recordsToKeep(instance, serves);
  const stop: readonly Step[] = running ? [stopStep(instance, serves, [alone])] : [];
  // The engine refuses to rename a container that it is about to restart.
  const early = whileStopped.length > 0 || !serves;
  return [
    {
      action: 'container.update-restart-policy',
      params: { container: id, policy: { name: 'no', maximumRetryCount: 0 } },
      why: 'The old container must not start again next to the new one when the engine restarts.',
      expects: [unchanged, alone],
    },
    ...(early ? [...stop, ...whileStopped] : []),
    {
      action: 'container.rename',
      params: { container: id, name: aside },
      why: 'The old container is kept; the new one takes its name.',
    },
    {
      ...(next === undefined
        ? { action: 'container.recreate', params: { from: id, name, edits } }
        : { action: 'container.change-image', params: { from: id, name, ...next } }),
      why,
      expects: [{ check: 'container', ref: id, name: aside, image, running: running && !early }],
    },
    ...(early ? [] : stop),
    {
      action: 'container.start',
      params: { container: name },
      // The start itself checks that no other container runs on the data: a second check would only add downtime.
      expects: [{ check: 'container', ref: id, running: false, name: aside }, ...startExpects],
    },
    {
      action: 'container.update-restart-policy',
      params: { container: name, policy: restartPolicyOf(instance.container) },
      why: 'Restore the restart policy.',
    },
  ];
}

/**
 * A server that does not start cannot shut down cleanly either; crash recovery replays its WAL at the next start. A
 * server that has recovered since is not stopped.
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
 * What must still hold when the first step begins: the container is as it was checked, and no other one uses its data.
 * For a container in a restart loop (`serves` is false), only what does not change from start to start.
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

/** The replaced container, which is never removed automatically. */
export function keptContainer(container: Container): Leftover {
  const aside = asideName(container);
  return {
    object: `container ${aside}`,
    why: 'The old container with its logs, without its data. Remove it when you no longer need to roll back.',
    command: `docker rm ${aside}`,
  };
}

/** For the end of a plan: an instance that was stopped was only started to verify the repair. */
export function stoppedAgain(container: string): Step {
  return {
    action: 'container.stop',
    params: { container },
    why: 'It was stopped before, so stop it again.',
  };
}

/** Normalized: Docker has two names for no policy. */
export function restartPolicyOf({ restartPolicy: { name, maximumRetryCount } }: Container): {
  readonly name: RestartPolicy['name'];
  readonly maximumRetryCount: number;
} {
  return { name: name === '' ? 'no' : name, maximumRetryCount };
}
