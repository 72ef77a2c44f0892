import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { temporaryFolder } from '../cli/run.ts';

// The first command of a file loads much, and machines that test are busy.
vi.setConfig({ testTimeout: 60_000 });

/** When the commands of these tests run. */
export const noon = new Date('2026-01-15T12:00:00Z');

export interface Project extends AsyncDisposable {
  readonly path: string;
  write(name: string, content: string | Uint8Array): void;
  remove(name: string): void;
  /** Runs a command line in this folder, at `noon` unless another moment is given. */
  run(words: readonly string[], options?: { readonly input?: string; readonly now?: Date }): Promise<Transcript>;
  /** Every file below a folder, by its path in the project, in the order of the paths. */
  filesIn(folder: string): ReadonlyMap<string, string>;
}

interface Transcript {
  readonly code: number;
  readonly stdout: string;
  /** As a golden file holds it: the words, the exit code and stdout, with the project's path left out. */
  readonly text: string;
}

/**
 * A repository in a temporary folder that holds a copy of the fixtures, and whose code the user trusts. The cache and
 * the user's settings are inside it, until it is disposed.
 */
export function openProject(files: Readonly<Record<string, string>> = {}): Project {
  const folder = temporaryFolder();
  const usualCache = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = join(folder.path, '.cache');
  mkdirSync(join(folder.path, '.git'));
  const usualConfig = process.env['XDG_CONFIG_HOME'];
  process.env['XDG_CONFIG_HOME'] = join(folder.path, '.config');
  folder.write('.config/problems/config.yaml', `trust: { folders: [${folder.path}] }\n`);
  cpSync(join(import.meta.dirname, '../../fixtures'), join(folder.path, 'fixtures'), { recursive: true });
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return {
    path: folder.path,
    write: (name, content) => folder.write(name, content),
    remove: (name) => rmSync(join(folder.path, name)),
    async run(words, { input = '', now = noon } = {}) {
      let stdout = '';
      const code = await main({
        argv: words,
        cwd: folder.path,
        env: {},
        streams: {
          stdin: Readable.from([Buffer.from(input)]),
          stdout: sink((text) => (stdout += text)),
          stderr: sink(() => {}),
        },
        now: () => now,
      });
      const text = `$ problems ${words.join(' ')}\n# exit code ${code}\n${stdout}`;
      return { code, stdout, text: text.replaceAll(folder.path, '<project>').replaceAll(/"ms": \d+/g, '"ms": 0') };
    },
    filesIn(name) {
      const paths = readdirSync(join(folder.path, name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.path.length + 1));
      return new Map(paths.toSorted().map((path) => [path, readFileSync(join(folder.path, path), 'utf8')]));
    },
    async [Symbol.asyncDispose]() {
      restore('XDG_CACHE_HOME', usualCache);
      restore('XDG_CONFIG_HOME', usualConfig);
      await folder[Symbol.asyncDispose]();
    },
  };
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/** The path of a golden file, for `toMatchFileSnapshot`. */
export function golden(name: string): string {
  return join(import.meta.dirname, 'expected', name);
}

/** Files as a golden file shows them, one after the other. */
export function listing(files: ReadonlyMap<string, string>): string {
  return [...files].map(([path, text]) => `===== ${path} =====\n${text}`).join('');
}

function sink(take: (text: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      take(String(chunk));
      done();
    },
  });
}
