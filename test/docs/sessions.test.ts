import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { temporaryFolder } from '../cli/run.ts';
import { captureSessions, hasSession, pages, readPage, root, writeExamples, type Place } from './page.ts';

// To take over what the commands print now: npx vitest run --project unit test/docs -u
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the sessions of the documentation', () => {
  it.each(pages().filter((name) => hasSession(readPage(name), 'own') || hasSession(readPage(name), 'checkout')))(
    '%s shows what its commands print on a terminal of 80 columns',
    async (name) => {
      await using folder = temporaryFolder();
      const page = readPage(name);
      const project = join(folder.path, 'project');
      mkdirSync(project);
      writeExamples(page, project);
      vi.stubEnv('XDG_CACHE_HOME', join(folder.path, 'cache'));
      let captured = page;
      const places: readonly (readonly [Place, string])[] = [
        ['own', project],
        ['checkout', root],
      ];
      for (const [place, cwd] of places)
        captured = await captureSessions(captured, place, (command) => runIn(command, cwd));
      await expect(captured).toMatchFileSnapshot(join(root, name));
    },
  );
});

/** `problems` runs in this process, on a terminal; what else a session needs, the shell runs. */
async function runIn(command: string, cwd: string): Promise<string> {
  const [program, ...argv] = command.replace(/^npx /, '').split(' ');
  if (program !== 'problems') return spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8' }).stdout;
  const chunks: string[] = [];
  const stdout = Object.assign(collect(chunks), { isTTY: true, columns: 80 });
  // No terminal, so that no progress is drawn.
  const stderr = collect(chunks);
  const exitCode = await main({
    argv,
    cwd,
    env: { NO_COLOR: '1' },
    streams: { stdin: Readable.from([]), stdout, stderr },
    now: () => new Date(),
  });
  expect(exitCode, chunks.join('')).toBeLessThan(2);
  return chunks.join('');
}

function collect(chunks: string[]): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
}
