import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('child.ts', import.meta.url));

export const project = '/srv/app';

export interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly accepted: number;
  readonly refused: number;
}

/** Starts a worker of child.ts and waits until it ends or is killed. */
export function worker(file: string, name: string, killedAt = 0): Promise<Ended> {
  const child = spawn(process.execPath, [program, file, name, String(killedAt)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (code !== 0 && signal === null) reject(new Error(stderr));
      else resolve({ signal, ...(signal === null ? JSON.parse(stdout) : { accepted: 0, refused: 0 }) });
    });
  });
}
