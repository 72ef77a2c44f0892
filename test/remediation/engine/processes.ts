import { type ChildProcess, spawn } from 'node:child_process';
import { programFile } from '../../programs.ts';

const child = programFile('test/remediation/engine/child.ts');

export interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly points: readonly string[];
  readonly outcomes: readonly {
    readonly outcome: string;
    readonly failure: { readonly class: string; readonly message: string } | null;
  }[];
  readonly error: string | undefined;
}

export function begin(...args: readonly string[]): { readonly process: ChildProcess; readonly ended: Promise<Ended> } {
  const started = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  started.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    started.once('close', (code, signal) => {
      if (code !== 0 && signal === null) return reject(new Error(stderr));
      const last = stdout.trim().split('\n').at(-1) ?? '';
      const said = last.startsWith('{') ? JSON.parse(last) : {};
      resolve({ signal, points: said.points ?? [], outcomes: said.outcomes ?? [], error: said.error });
    });
  });
  return { process: started, ended };
}

export async function run(...args: readonly string[]): Promise<Ended> {
  return begin(...args).ended;
}
