import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { eventually } from '../waiting.ts';

/** A separate Docker Engine for the test, which may be stopped and started, unlike the machine's engine. */
export interface SecondEngine {
  readonly address: string;
  readonly docker: Docker;
  /** SIGTERM stops its containers cleanly. SIGKILL leaves them running until the next start. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Returns when it answers. */
  start(): Promise<void>;
  /** Ends it and removes all it ever held. */
  close(): Promise<void>;
}

/**
 * An engine with a copy of one image. Needs root, and a network namespace apart from that of the machine's engine: at
 * its start an engine removes bridges that it does not know, docker0 among them.
 */
export async function openSecondEngine(from: Docker, image: string): Promise<SecondEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'problems-engine-'));
  const socketPath = join(folder, 'sock');
  const docker = new Docker({ socketPath });
  const data = join(folder, 'data');
  let engine: ChildProcess | undefined;

  const second: SecondEngine = {
    address: `unix://${socketPath}`,
    docker,
    async start() {
      // A killed one leaves it behind, and the next would wait for that containerd in vain.
      await rm(join(folder, 'exec', 'containerd', 'containerd.pid'), { force: true });
      const log = openSync(join(folder, 'log'), 'a');
      engine = spawn('dockerd', options(folder), { stdio: ['ignore', log, log] });
      await eventually(30_000, () => docker.ping().then(Boolean, () => false));
    },
    async end(signal) {
      if (engine === undefined) return;
      const ended = once(engine, 'close');
      engine.kill(signal);
      await ended;
      engine = undefined;
    },
    async close() {
      if (engine === undefined) await second.start();
      for (const { Id } of await docker.listContainers({ all: true }))
        await docker.getContainer(Id).remove({ force: true, v: true });
      await docker.pruneNetworks();
      await second.end('SIGTERM');
      // Each start mounts its own folder over itself, and a killed engine leaves that behind.
      while (spawnSync('umount', ['-l', data], { stdio: 'ignore' }).status === 0);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
  await second.start();
  await docker.loadImage(await from.getImage(image).get()).then(async (loading) => {
    loading.resume();
    await once(loading, 'end');
  });
  return second;
}

/** Before version 24 all engines of a machine have one id, from a key in /etc/docker, unless they are told otherwise. */
function ownIdentity(folder: string): string[] {
  const version = execFileSync('dockerd', ['--version'], { encoding: 'utf8' });
  if (Number(/version (\d+)\./.exec(version)?.[1]) >= 24) return [];
  const file = join(folder, 'daemon.json');
  writeFileSync(file, JSON.stringify({ 'deprecated-key-path': join(folder, 'key.json') }));
  return ['--config-file', file];
}

function options(folder: string): string[] {
  const folders = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')];
  const files = ['--host', `unix://${join(folder, 'sock')}`, '--pidfile', join(folder, 'pid')];
  const network = ['--bridge', 'none', '--iptables=false', '--ip6tables=false'];
  return [
    ...folders,
    ...files,
    ...network,
    ...ownIdentity(folder),
    '--default-address-pool',
    'base=10.231.0.0/16,size=24',
  ];
}

/** Root, and Docker's own programs on this very machine. */
export function mayRunEngine(): boolean {
  try {
    execFileSync('dockerd', ['--version'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}
