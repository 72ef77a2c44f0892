import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/*
 * Prometheus, promtool and Alertmanager of Debian's packages, for tests of metrics and alerts. They need no Docker.
 */

const isInstalled = ['prometheus', 'promtool', 'prometheus-alertmanager'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);

/** False: the tests are skipped. With CI set they fail instead; there test/service/monitoring.sh has installed it. */
export const hasMonitoring = isInstalled || (process.env['CI'] ?? '') !== '';

if (!hasMonitoring)
  process.stderr.write(
    'Skipped: metrics and alerts on the real thing: apt-get install prometheus prometheus-alertmanager\n',
  );

/** Runs promtool; `input` goes to its standard input. */
export async function promtool(args: readonly string[], input = ''): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** An HTTP server on a free port of 127.0.0.1. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<LocalServer> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Program extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
}

/** Starts a program on a free port, and waits until `ready` answers. `args` gets its folder and address. */
export async function start(
  program: string,
  ready: string,
  args: (folder: string, address: string) => readonly string[],
): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), `problems-${program}-`));
  const { port, ...free } = await serve(() => undefined);
  await free[Symbol.asyncDispose]();
  const child = spawn(program, args(folder, `127.0.0.1:${port}`), { stdio: ['ignore', 'ignore', 'pipe'] });
  const url = `http://127.0.0.1:${port}`;
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-4_000);
  });
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  await until(async () => {
    if (ended.signal.aborted) throw new Error(`${program} ended: ${said}`);
    return (await fetch(url + ready).catch(() => undefined))?.ok === true;
  });
  return {
    url,
    folder,
    async [Symbol.asyncDispose]() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Asks four times a second, for at most 40 seconds. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 160; tries += 1) {
    if (await isTrue()) return;
    await wait(250);
  }
  throw new Error('what was waited for did not happen within 40 seconds');
}
