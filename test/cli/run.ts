import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { main } from '../../src/cli/main.ts';
import { programFile } from '../programs.ts';

export const bin = programFile('src/cli/bin.ts');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
}

/**
 * What the program reads from the process itself, and not from the environment that `main` is given. The tier sets
 * DOCKER_HOST to a socket that does not exist.
 */
const readFromProcess = ['DOCKER_HOST', 'HOME', 'PGPASSFILE', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'PROBLEMS_STATE'];

/**
 * Runs the real command line with pipes for its streams: in this process, which takes a tenth of the time, or in another
 * one if `env` has a variable that is read from the process.
 */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { cwd = process.cwd(), env = {}, input = '' } = options;
  if (readFromProcess.some((name) => name in env)) return spawned(process.execPath, [bin, ...args], options);
  const [stdout, stderr] = [collect(), collect()];
  const code = await main({
    argv: args,
    cwd,
    env,
    streams: { stdin: Readable.from([Buffer.from(input)]), stdout: stdout.stream, stderr: stderr.stream },
    now: () => new Date(),
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function collect(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** Runs a program with an environment that says nothing about colours or terminals. */
export function spawned(program: string, args: readonly string[], { cwd, env, input = '' }: RunOptions): Promise<Ran> {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '', XDG_STATE_HOME = '', PROBLEMS_STATE = '' } = process.env;
  const own = { PATH, HOME, NODE_COMPILE_CACHE, XDG_STATE_HOME, PROBLEMS_STATE };
  const child = spawn(program, args, { cwd, env: { ...own, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export interface Folder extends AsyncDisposable {
  readonly path: string;
  write(name: string, content: string | Uint8Array): void;
}

/** A folder that goes away with the test: `await using folder = temporaryFolder()`. */
export function temporaryFolder(files: Readonly<Record<string, string>> = {}): Folder {
  const path = mkdtempSync(join(tmpdir(), 'problems-'));
  const folder: Folder = {
    path,
    write(name, content) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), content);
    },
    async [Symbol.asyncDispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return folder;
}

/** The characters of an output that a terminal would obey. */
export function obeyed(output: string): readonly string[] {
  return output.match(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu) ?? [];
}
