import { createServer, type Server } from 'node:net';
import { once } from 'node:events';

import type Docker from 'dockerode';

/** The host ports of a run: instances first, web GUIs apart. Nobody else of the lab is given one of them meanwhile. */
export interface RunPorts {
  /** First and last port for instances, both included. */
  readonly instances: PortRange;
  readonly guis: PortRange;
  release(): Promise<void>;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The managed ranges. 5433 stays out: the resource's own server has it. */
export const contractPorts: RunPorts = {
  instances: { first: 5434, last: 5499 },
  guis: { first: 8080, last: 8099 },
  async release() {},
};

const blockSize = 40;
const guisOfBlock = 10;
const blocks: PortRange = { first: 10_000, last: 29_960 };

/** Forty exclusive ports below the ephemeral range for a test's run. The first is the lock against other runs. */
export async function reservePorts(): Promise<RunPorts> {
  const count = Math.floor((blocks.last - blocks.first) / blockSize);
  // Processes start at different places, so that they seldom meet.
  const offset = process.pid % count;
  for (let index = 0; index < count; index += 1) {
    const first = blocks.first + ((index + offset) % count) * blockSize;
    // A listener is let go by the kernel, however this process ends.
    const lock = await tryListen(first, '127.0.0.1');
    if (lock === undefined) continue;
    const middle = first + blockSize - guisOfBlock;
    return {
      instances: { first: first + 1, last: middle - 1 },
      guis: { first: middle, last: first + blockSize - 1 },
      release: () => lock.close(),
    };
  }
  throw new Error(`every block of ports between ${blocks.first} and ${blocks.last} is taken`);
}

/** The first port of the range that is in none of `taken`, that no container claims and that can be listened on. */
export async function freePort(docker: Docker, range: PortRange, taken: ReadonlySet<number>): Promise<number> {
  const claimed = await claimedPorts(docker);
  for (let port = range.first; port <= range.last; port += 1) {
    if (taken.has(port) || claimed.has(port)) continue;
    const servers = await Promise.all(['0.0.0.0', '::'].map((host) => tryListen(port, host)));
    await Promise.all(servers.map(async (server) => server?.close()));
    if (!servers.includes(undefined)) return port;
  }
  throw new Error(`no free port between ${range.first} and ${range.last}`);
}

/** A listener that holds a port as a foreign program would, until it is closed. */
export interface HeldPort {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on `port` at `host` in this process. Fails if the port is in use. */
export async function holdPort(port: number, host = '0.0.0.0'): Promise<HeldPort> {
  const held = await tryListen(port, host);
  if (held === undefined) throw new Error(`port ${port} at ${host} is taken`);
  return { port, close: () => held.close() };
}

async function tryListen(port: number, host: string): Promise<{ close(): Promise<void> } | undefined> {
  // It lasts as long as the process, and does not keep the process alive.
  const server = createServer().unref();
  server.listen({ port, host, ipv6Only: host.includes(':') });
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  return { close: () => closed(server) };
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** A container that is created or stopped claims its ports without listening on them: only its declaration tells. */
async function claimedPorts(docker: Docker): Promise<ReadonlySet<number>> {
  const containers = await docker.listContainers({ all: true });
  const inspected = await Promise.all(
    containers.map(({ Id }) =>
      docker
        .getContainer(Id)
        .inspect()
        .catch(() => undefined),
    ),
  );
  const bindings = inspected.flatMap((one) => Object.values(portBindings(one?.HostConfig.PortBindings)).flat());
  return new Set(bindings.map((binding) => Number(binding?.HostPort)));
}

function portBindings(bindings: unknown): Record<string, { HostPort?: string }[] | null> {
  return typeof bindings === 'object' && bindings !== null ? { ...bindings } : {};
}
