import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container, ContainerSpec } from '../../host/docker/types.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { requireContainer, shortRef } from './containers.ts';
import {
  edits,
  type MountEdits,
  mountsFrom,
  networksOf,
  otherMounts,
  recreatedFromLabel,
  specFrom,
} from './recreate-spec.ts';
import { operations } from '../operations.ts';

const params = z.strictObject({
  /** The old container's id. It is kept under another name. */
  from: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  edits,
});

/** Creates and connects it. The plan stops the old one before `container.start`, to keep the downtime short. */
export const containerRecreate: Action<z.output<typeof params>, null> = {
  name: 'container.recreate',
  description: 'Creates a container like another one, on the same data, with the edits of the plan. Does not start it.',
  params,
  undoState: z.null(),
  operation: { running: operations['recreate-running'], stopped: operations['restart-stopped'] },
  describe: ({ from, name }) => `create ${name} from ${shortRef(from)}`,
  async effect({ from, name, edits: changes }, host) {
    const old = await requireContainer(host, from);
    const effects = [
      { object: `container ${name}`, before: shortRef(from), after: 'a new container on the same data' },
    ];
    for (const [port, wanted] of Object.entries(changes.ports ?? {})) {
      const bound = old.portBindings.filter((binding) => `${binding.containerPort}/${binding.protocol}` === port);
      effects.push({
        object: `${name}: ${port}`,
        before: bound.map(({ hostIp, hostPort }) => `${hostIp || '*'}:${hostPort}`).join(', '),
        after: wanted.map(({ hostIp, hostPort }) => `${hostIp || '*'}:${hostPort}`).join(', '),
      });
    }
    if (changes.command !== undefined)
      effects.push({ object: `${name}: command`, before: old.command.join(' '), after: changes.command.join(' ') });
    for (const [variable, list] of Object.entries(changes.env ?? {}))
      for (const edit of list)
        effects.push({ object: `${name}: ${variable} at ${edit.at}`, before: edit.before, after: edit.after });
    if (changes.shmSize !== undefined)
      effects.push({ object: `${name}: /dev/shm`, before: `${old.shmSize} B`, after: `${changes.shmSize} B` });
    if (changes.memory !== undefined)
      effects.push({ object: `${name}: memory limit`, before: `${old.memory} B`, after: `${changes.memory} B` });
    for (const [destination, { source }] of Object.entries(changes.mounts ?? {})) {
      const mount = old.mounts.find((one) => one.destination === destination);
      effects.push({
        object: `${name}: ${destination}`,
        before: mount?.name || mount?.source || 'no mount',
        after: source,
      });
    }
    return effects;
  },
  async prepare({ from, edits: { mounts = {} } }, host) {
    const old = await requireContainer(host, from);
    if (old.autoRemove)
      throw new ProblemsError('step-refused', `${old.name} is removed with its volumes when it stops (--rm).`);
    // Refuse before anything is stopped.
    mountsFrom(old, mounts);
    return null;
  },
  async isDone({ from, name, edits: { mounts = {} } }, host) {
    const made = await madeFrom(host, from, name);
    if (made === undefined) return false;
    const old = await requireContainer(host, from);
    return missing(old, made).length === 0 && otherMounts(old, made, mounts).length === 0;
  },
  async apply({ from, name, edits: changes }, host) {
    const old = await requireContainer(host, from);
    await createLike(old, specFrom(old, name, changes, host.run.labels), changes.mounts ?? {}, host);
  },
  async undo({ from, name }, _before, host) {
    const made = await madeFrom(host, from, name);
    if (made === undefined) return;
    if (made.state.running) await host.change.docker.stop(made.id, { timeoutSeconds: 120 });
    // Never with its volumes: they belong to the old container.
    await host.change.docker.remove(made.id);
  },
  async isUndone({ from, name }, _before, host) {
    return (await madeFrom(host, from, name)) === undefined;
  },
};

/** Creates the container of the spec unless that is done, and connects it to the networks of the old one. */
export async function createLike(old: Container, spec: ContainerSpec, mounts: MountEdits, host: Host): Promise<void> {
  let made = await madeFrom(host, old.id, spec.name);
  if (made === undefined) {
    await host.change.docker.create(spec);
    made = await requireContainer(host, spec.name);
  }
  // Compares the mounts as created. It has not been started, and is removed again.
  const others = otherMounts(old, made, mounts);
  if (others.length > 0) throw new ProblemsError('step-refused', others.join(' '));
  for (const { name: network, aliases } of missing(old, made)) {
    const { staticIpv4, staticIpv6 } = old.endpoints.find((endpoint) => endpoint.network === network) ?? {};
    await host.change.docker.connect(network, made.id, {
      aliases,
      ...(staticIpv4 ? { ipv4: staticIpv4 } : {}),
      ...(staticIpv6 ? { ipv6: staticIpv6 } : {}),
    });
  }
}

/** By name, and only if this step made it: the name may belong to the old container or to any other. */
async function madeFrom(host: ReadonlyHost, from: string, name: string): Promise<Container | undefined> {
  const found = await host.docker.container(name);
  return found?.labels[recreatedFromLabel] === from ? found : undefined;
}

function missing(old: Container, made: Container): ReturnType<typeof networksOf> {
  return networksOf(old).filter(({ name }) => !made.endpoints.some(({ network }) => network === name));
}
