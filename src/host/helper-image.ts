import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { getArray, getString, parseJson } from '../util/json.ts';
import type { ChangingEngine } from './docker/client.ts';
import { runHelper } from './exec.ts';
import { systemOutput, systemProgram } from './system-program.ts';
import { type UserFile, userFile } from './user-file.ts';

/**
 * An image of our own for helpers that need a capability, so that no program of an instance's image ever has one. It holds the
 * shell and a few tools of this machine, with the libraries that they load, and is imported into the engine: nothing is
 * downloaded.
 */

/** All that the scripts of `survey`, `change-owners`, `copy-volume` and `prepare-volume` call, and what plugins may expect. */
const programs = `
  sh bash awk basename cat chmod chown cp cut date dd df dirname du env false find grep head id ln ls mkdir mktemp mv printf
  readlink rm rmdir sed sha256sum sleep sort stat sync tail tar tee test touch tr true uniq wc xargs
`
  .trim()
  .split(/\s+/);

const repository = 'problems-helper';

/** So that a person finds all of them: `docker image ls --filter label=problems.image`. */
export const imageLabel = 'problems.image';

const mostBytes = 128 * 2 ** 20;

interface Made {
  /** Of the image; empty: it could not be made of these programs, or they did not run. */
  readonly id: string;
  /** The programs that it was made of: path, size and time of change. */
  readonly of: string;
}

/**
 * The image's id, after it was made if need be. Undefined: an image of this machine's programs would not run on the engine, or
 * could not be made.
 * @throws the reason of an aborted signal.
 */
export async function ownHelperImage(engine: ChangingEngine): Promise<string | undefined> {
  if (!engine.local || process.platform !== 'linux') return undefined;
  const paths = programs.map(systemProgram);
  if (!paths.every((path) => path !== undefined)) return undefined;
  const of = paths.map(stampOf).join('\n');
  const known = readMade(engine);
  if (known?.of === of && (known.id === '' || (await isThere(engine, known.id)))) return known.id || undefined;
  return once(engine, async () => {
    const id = await make(engine, paths);
    fileOf(engine).write(JSON.stringify([id, of]));
    if (known !== undefined && known.id !== '' && known.id !== id) await remove(engine, known.id);
    return id || undefined;
  });
}

function stampOf(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}

/** By the address of the engine: calls at the same time make one image. */
const making = new Map<string, Promise<string | undefined>>();

function once({ address }: ChangingEngine, work: () => Promise<string | undefined>): Promise<string | undefined> {
  const begun = making.get(address) ?? work().finally(() => making.delete(address));
  making.set(address, begun);
  return begun;
}

async function isThere(engine: ChangingEngine, id: string): Promise<boolean> {
  return (await engine.get({ path: `/images/${encodeURIComponent(id)}/json` })).status === 200;
}

/** The id of the new image; empty if its programs do not run on the engine. */
async function make(engine: ChangingEngine, paths: readonly string[]): Promise<string> {
  const tar = await archiveOf(paths).catch(() => undefined);
  if (tar === undefined) return '';
  const tag = createHash('sha256').update(tar).digest('hex').slice(0, 12);
  const reply = await engine.post({
    path: '/images/create',
    query: { fromSrc: '-', repo: repository, tag, changes: `LABEL ${imageLabel}=helper` },
    archive: tar,
    timeoutMs: 120_000,
  });
  if (reply.status >= 300) return '';
  const said = reply.body
    .toString()
    .trim()
    .split('\n')
    .map((line) => getString(parseJson(line), 'status'));
  const id = said.findLast((status) => /^sha256:[0-9a-f]{64}$/.test(status)) ?? '';
  if (id === '' || (await doRun(engine, id))) return id;
  await remove(engine, id);
  return '';
}

/** The programs and the libraries that they load, as a tar archive with the paths that they have here. */
async function archiveOf(paths: readonly string[]): Promise<Buffer> {
  const listed = (await systemOutput('ldd', paths, 2 ** 20)).toString();
  const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  const files = [...new Set([...paths, ...libraries])].toSorted();
  return systemOutput('tar', ['-c', '-h', '-f', '-', '-C', '/', ...files.map((path) => path.slice(1))], mostBytes);
}

/** 126 and 127 are how a shell says that it cannot run a program, and the loader that it finds no library. */
const trial = 'for one; do "$one" --version </dev/null >/dev/null 2>&1; [ $? -lt 126 ] || exit 1; done';

async function doRun(engine: ChangingEngine, image: string): Promise<boolean> {
  const command = ['sh', '-c', trial, 'sh', ...programs];
  const { exitCode } = await runHelper(engine, { task: 'try-image', image, command });
  return exitCode === 0;
}

async function remove(engine: ChangingEngine, id: string): Promise<void> {
  // A helper of another process may still run it: then it stays.
  await engine.delete({ path: `/images/${encodeURIComponent(id)}` }).catch(() => undefined);
}

/** In this user's own state folder: whoever can tag images cannot choose the one that is used. */
function fileOf({ address }: ChangingEngine): UserFile {
  const name = createHash('sha256').update(address).digest('hex').slice(0, 32);
  return userFile(join('helper-images', name), 64 * 1024);
}

function readMade(engine: ChangingEngine): Made | undefined {
  const [id, of] = getArray(parseJson(fileOf(engine).read() ?? '')).map((one) =>
    typeof one === 'string' ? one : undefined,
  );
  return id === undefined || of === undefined ? undefined : { id, of };
}
