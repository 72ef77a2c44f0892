import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';

import type Docker from 'dockerode';

import { withFolderLock } from '../folder-lock.ts';
import { imageArchive } from './archive.ts';
import { type Build, builds, recipeDigest, recipeLabel } from './recipe.ts';

/** The official image of the contract. It is used if it can be pulled; nothing in the lab depends on it. */
export const officialImage = 'postgres:16-alpine';

const buildMs = 5 * 60_000;

/**
 * Makes the images that the engine does not have from this recipe: out of the cache when an earlier run left them there,
 * else from Debian packages, which takes root on a Debian machine. Safe for several processes at once.
 */
export async function ensureImages(docker: Docker, say: (line: string) => void): Promise<void> {
  const recipe = await recipeDigest();
  if ((await missingBuilds(docker, recipe)).length === 0) return;
  await withFolderLock(join(cacheFolder(), 'images.lock'), buildMs, async () => {
    const missing = await missingBuilds(docker, recipe);
    await Promise.all(missing.map((build) => ensureBuild(docker, build, recipe, say)));
    await removeUntagged(docker);
  });
}

/** Pulls the official image if a registry answers within `waitMs`; says in a word how that went. */
export async function pullOfficialImage(docker: Docker, waitMs: number): Promise<'present' | 'pulled' | 'no registry'> {
  const image = docker.getImage(officialImage);
  const has = () =>
    image.inspect().then(
      () => true,
      () => false,
    );
  if (await has()) return 'present';
  const answers = image.distribution().then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([answers, sleep(waitMs, false, { ref: false })]))) return 'no registry';
  await finished(docker, await docker.pull(officialImage));
  return (await has()) ? 'pulled' : 'no registry';
}

/** Where archives of images stay between runs: PROBLEMS_LAB_CACHE, or a folder of the user's cache. */
function cacheFolder(): string {
  const own = process.env['PROBLEMS_LAB_CACHE'];
  return own ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'problem-registry-lab');
}

async function missingBuilds(docker: Docker, recipe: string): Promise<readonly Build[]> {
  const present = await docker.listImages({ filters: JSON.stringify({ label: [`${recipeLabel}=${recipe}`] }) });
  const tags = new Set(present.flatMap((image) => image.RepoTags ?? []));
  return builds.filter((build) => build.images.some((image) => !tags.has(image.tag)));
}

/** Images of older recipes lost their tags to the new ones. Those that a container still uses stay. */
async function removeUntagged(docker: Docker): Promise<void> {
  const filters = JSON.stringify({ label: [recipeLabel], dangling: ['true'] });
  for (const { Id } of await docker.listImages({ filters })) {
    await docker
      .getImage(Id)
      .remove()
      .catch(() => undefined);
  }
}

async function ensureBuild(docker: Docker, build: Build, recipe: string, say: (line: string) => void): Promise<void> {
  const file = join(cacheFolder(), `postgres-${build.major}-${recipe}.tar.zst`);
  const started = Date.now();
  const cached = await access(file).then(
    () => true,
    () => false,
  );
  if (!cached) await makeArchive(build, recipe, file);
  await finished(docker, await docker.loadImage(createReadStream(file).pipe(createZstdDecompress()), { quiet: true }));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  say(
    `PostgreSQL ${build.major}: ${build.images.length} images ${cached ? 'from the cache' : 'built'} in ${seconds} s`,
  );
}

async function makeArchive(build: Build, recipe: string, file: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'problems-lab-'));
  try {
    await runBuild(build, folder);
    const unfinished = `${file}.${process.pid}`;
    await pipeline(
      await imageArchive(folder, build.images, recipe),
      createZstdCompress(),
      createWriteStream(unfinished),
    );
    await rename(unfinished, file);
    await removeOlder(build, file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One archive of each version is kept: they are 45 MB each, and the older ones are of older recipes. */
async function removeOlder(build: Build, file: string): Promise<void> {
  const archives = await readdir(cacheFolder());
  const older = archives.filter((name) => name.startsWith(`postgres-${build.major}-`) && name !== basename(file));
  await Promise.all(older.map((name) => rm(join(cacheFolder(), name), { force: true })));
}

async function runBuild(build: Build, folder: string): Promise<void> {
  const script = join(import.meta.dirname, 'build.sh');
  const child = spawn('bash', [script, build.suite, String(build.major), folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: buildMs,
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const [code] = await once(child, 'close');
  if (code !== 0) {
    const last = output.join('').trim().split('\n').slice(-15).join('\n');
    throw new Error(
      `the images of PostgreSQL ${build.major} were not built (needs root on a Debian machine, see docs/lab.md):\n${last}`,
    );
  }
}

/** The engine answers at once and reports in the body, errors included. */
async function finished(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
