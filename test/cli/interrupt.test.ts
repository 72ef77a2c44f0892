import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { bin } from './run.ts';

/** A Docker Engine that takes every request and never answers. */
async function silentEngine(
  folder: string,
): Promise<{ readonly socket: string; asked: Promise<unknown>; close(): void }> {
  const server = createServer(() => undefined);
  const socket = join(folder, 'engine.sock');
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    asked: once(server, 'request'),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  'problems detect ends within two seconds of %s',
  async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'problems-interrupt-'));
    const engine = await silentEngine(folder);
    try {
      const child = spawn(process.execPath, [bin, 'detect'], {
        cwd: folder,
        env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}` },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const said = text(child.stderr);
      await engine.asked;
      const sent = performance.now();
      child.kill(signal);
      const [code] = await once(child, 'close');
      expect(performance.now() - sent).toBeLessThan(2_000);
      expect(code).toBe(2);
      expect(await said).toContain('Stopping');
    } finally {
      engine.close();
      rmSync(folder, { recursive: true });
    }
  },
  30_000,
);
