import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { type Pack, pack } from 'tar-stream';

import { type ImageRecipe, recipeLabel } from './recipe.ts';

/**
 * The images as one archive for `docker load`, written by hand: an import could not set the stop signal, and a build
 * would need a builder. `folder` holds the layers as `<name>.tar`. The same layers give the same bytes.
 */
export async function imageArchive(folder: string, images: readonly ImageRecipe[], recipe: string): Promise<Pack> {
  const names = [...new Set(images.flatMap((image) => image.layers))];
  const digests = new Map<string, string>();
  for (const name of names) digests.set(name, await fileDigest(join(folder, `${name}.tar`)));
  const configs = images.map((image) => imageConfig(image, digests, recipe));

  const archive = pack();
  void writeEntries(archive, folder, names, images, configs).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  return archive;
}

async function writeEntries(
  archive: Pack,
  folder: string,
  names: readonly string[],
  images: readonly ImageRecipe[],
  configs: readonly string[],
): Promise<void> {
  const manifest = images.map((image, index) => ({
    Config: `${textDigest(configs[index] ?? '')}.json`,
    RepoTags: [image.tag],
    Layers: image.layers.map((name) => `${name}.tar`),
  }));
  for (const config of configs) archive.entry({ name: `${textDigest(config)}.json`, mtime: new Date(0) }, config);
  archive.entry({ name: 'manifest.json', mtime: new Date(0) }, JSON.stringify(manifest));
  for (const name of names) {
    const path = join(folder, `${name}.tar`);
    const { size } = await stat(path);
    await pipeline(createReadStream(path), archive.entry({ name: `${name}.tar`, size, mtime: new Date(0) }));
  }
  archive.finalize();
}

function imageConfig(image: ImageRecipe, digests: ReadonlyMap<string, string>, recipe: string): string {
  // A fixed time keeps the image's id the same from build to build.
  const created = '2024-01-01T00:00:00Z';
  return JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created,
    config: { ...image.config, Labels: { [recipeLabel]: recipe } },
    rootfs: { type: 'layers', diff_ids: image.layers.map((name) => `sha256:${digests.get(name)}`) },
    history: image.layers.map((name) => ({ created, created_by: `problems lab: ${name}` })),
  });
}

function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function fileDigest(path: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(path), digest);
  return digest.digest('hex');
}
