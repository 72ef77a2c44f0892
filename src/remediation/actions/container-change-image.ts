import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { ContainerSpec, Image } from '../../host/docker/types.ts';
import { get, getStringMap, getStrings, isObject, type Json } from '../../util/json.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { containerRecreate, createLike } from './container-recreate.ts';
import { requireContainer, shortRef } from './containers.ts';
import { specFrom } from './recreate-spec.ts';

const params = z.strictObject({
  /** The old container's id. It is kept under another name. */
  from: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  /** With its tag, such as `postgres:15`. */
  image: z.string(),
  /** What the name must still mean. */
  imageId: z.string().regex(/^sha256:[0-9a-f]{64}$/),
});

const noEdits = {} as const;

/** Creates and connects it, as `container.recreate`, which it shares everything with but the image. */
export const containerChangeImage: Action<z.output<typeof params>, null> = {
  name: 'container.change-image',
  description:
    'Creates a container like another one, on the same data, with another image that is already there. Does not start it.',
  params,
  undoState: z.null(),
  operation: operations['change-image'],
  describe: ({ from, name, image }) => `create ${name} from ${shortRef(from)} with ${image}`,
  async effect({ from, name, image }, host) {
    const old = await requireContainer(host, from);
    return [
      { object: `container ${name}`, before: shortRef(from), after: 'a new container on the same data' },
      { object: `${name}: image`, before: old.imageName, after: image },
    ];
  },
  async prepare({ from, name, image, imageId }, host) {
    await requireImage(host, image, imageId);
    return containerRecreate.prepare({ from, name, edits: noEdits }, host);
  },
  isDone: async ({ from, name }, host, run) => containerRecreate.isDone({ from, name, edits: noEdits }, host, run),
  async apply({ from, name, image, imageId }, host) {
    const old = await requireContainer(host, from);
    const next = await requireImage(host, image, imageId);
    const spec = specFrom(old, name, noEdits, host.run.labels);
    await createLike(old, withImage(spec, image, await host.docker.image(old.image), next), {}, host);
  },
  undo: async ({ from, name }, before, host) => containerRecreate.undo?.({ from, name, edits: noEdits }, before, host),
  isUndone: async ({ from, name }, before, host) =>
    (await containerRecreate.isUndone?.({ from, name, edits: noEdits }, before, host)) ?? false,
};

async function requireImage(host: ReadonlyHost, image: string, id: string): Promise<Image> {
  const found = await host.docker.image(image);
  if (found?.id !== id)
    throw new ProblemsError('step-refused', `${image} is not the image on this machine that it was when planned.`);
  return found;
}

/**
 * A container's config holds what its image declares, such as PATH with the version in it. What is still as in the old image is
 * left to the new one. Pure.
 */
export function withImage(spec: ContainerSpec, image: string, old: Image | undefined, next: Image): ContainerSpec {
  const declared = get(old?.inspect, 'Config');
  if (!isObject(declared)) throw new ProblemsError('step-refused', 'The old image is no longer on this machine.');
  const own = Object.entries(spec.config).filter(
    ([key, value]) => key === 'Env' || key === 'Labels' || !isDeepStrictEqual(value, declared[key]),
  );
  const ofOldImage = new Set(getStrings(declared, 'Env'));
  const labels = getStringMap(declared, 'Labels');
  const kept: Record<string, Json> = Object.fromEntries(own);
  const env = getStrings(spec.config, 'Env').filter((line) => !ofOldImage.has(line));
  const set = new Set(env.map(nameOf));
  return {
    ...spec,
    config: {
      ...kept,
      Image: image,
      Env: [...getStrings(next.inspect, 'Config', 'Env').filter((line) => !set.has(nameOf(line))), ...env],
      Labels: Object.fromEntries(
        Object.entries(getStringMap(spec.config, 'Labels')).filter(([name, value]) => labels[name] !== value),
      ),
    },
  };
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf('='));
}
