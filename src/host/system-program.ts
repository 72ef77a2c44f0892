import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where systems and their package managers install programs: a repository that is in PATH too cannot bring its own. */
const systemFolders: readonly string[] = [
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
  '/opt/homebrew/bin',
  '/opt/local/bin',
  '/run/current-system/sw/bin',
];

/** The absolute path of a program in a folder of the system that is in PATH; undefined if there is none. */
export function systemProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => systemFolders.includes(folder));
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * What a program of the system prints, whatever its exit code. It gets no input and nothing of our environment but PATH.
 * @throws Error: it is not installed, takes longer than 30 seconds, or prints more than `maxBytes`.
 */
export async function systemOutput(name: string, words: readonly string[], maxBytes: number): Promise<Buffer> {
  const program = systemProgram(name);
  if (program === undefined) throw new Error(`${name} is not installed`);
  const env = { LC_ALL: 'C', PATH: process.env['PATH'] };
  const child = spawn(program, words, {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const chunks: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) child.kill('SIGKILL');
    else chunks.push(chunk);
  });
  if ((await ended) === null) throw new Error(`${name} took too long or printed too much`);
  return Buffer.concat(chunks);
}
