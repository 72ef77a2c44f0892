import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const examples = join(root, 'examples/service');
const run = promisify(execFile);

function has(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

async function scratch(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'problems-example-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The unit with the Node of this machine. */
async function unit(): Promise<string> {
  return (await readFile(join(examples, 'problems.service'), 'utf8')).replaceAll('/usr/bin/node', process.execPath);
}

describe('examples/service', () => {
  it.skipIf(!has('systemd-analyze'))('has a unit in which systemd finds no mistake', async () => {
    await using folder = await scratch();
    const file = join(folder.path, 'problems.service');
    await writeFile(file, await unit());
    const { stderr } = await run('systemd-analyze', ['verify', file]);
    expect(stderr).not.toContain('problems.service');
  });

  it.skipIf(!has('docker-compose'))(
    'has a Compose file that Compose reads, with the time that a repair needs to end',
    async () => {
      const { stdout } = await run('docker-compose', ['-f', join(examples, 'compose.yaml'), 'config'], {
        cwd: examples,
      });
      expect(stdout).toMatch(/stop_grace_period: 10m/);
      expect(stdout).toContain('/var/run/docker.sock:/var/run/docker.sock');
    },
  );

  it.each([
    ['unit', async () => /^ExecStart=(.*)$/m.exec(await unit())?.[1]?.split(' ') ?? []],
    [
      'Dockerfile',
      async () => {
        const text = await readFile(join(examples, 'Dockerfile'), 'utf8');
        const words = [...text.matchAll(/^(?:ENTRYPOINT|CMD) (\[.*\])$/gm)].flatMap(([, list = '[]']) =>
          JSON.parse(list),
        );
        return words.map(String);
      },
    ],
  ])('has a command in its %s that starts the service, and ends it by SIGTERM', async (_, command) => {
    await using folder = await scratch();
    const bin = join(folder.path, 'node_modules/.bin');
    await mkdir(bin, { recursive: true });
    await symlink(root, join(folder.path, 'node_modules/problem-registry'));
    await symlink('../problem-registry/dist/cli/bin.js', join(bin, 'problems'));
    await writeFile(join(folder.path, 'problems.config.json'), JSON.stringify({ service: { listen: '127.0.0.1:0' } }));
    const [program = '', ...args] = await command();
    const env = {
      ...process.env,
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      XDG_STATE_HOME: join(folder.path, 'state'),
      PROBLEMS_STATE: '',
      DOCKER_HOST: 'unix:///nonexistent/docker.sock',
    };
    const child = spawn(program, args, { cwd: folder.path, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const exited = once(child, 'exit');
    await expect.poll(() => log, { timeout: 30_000 }).toContain('started: process');
    child.kill('SIGTERM');
    expect(await exited, log).toEqual([0, null]);
    expect(log).toContain('"text":"stopped"');
  });
});
