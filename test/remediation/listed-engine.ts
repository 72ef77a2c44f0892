import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';

export interface ListedEngine {
  close(): void;
}

/** The addresses of the engines that are open, which may be closed in any order, and what `DOCKER_HOST` was before them. */
const open: string[] = [];
let usual: string | undefined;

/** The part of `docker inspect` that a test needs. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly [key: string]: unknown;
}

function labelsIn(config: unknown): unknown {
  return typeof config === 'object' && config !== null && 'Labels' in config ? config.Labels : {};
}

/**
 * An engine that knows only these containers: it answers questions about itself and about them, and everything
 * else with 404. Until it is closed, `DOCKER_HOST` names it. For numbers and states that no real engine can
 * reach in a moment.
 */
export async function openListedEngine(
  folder: string,
  info: Readonly<Record<string, unknown>>,
  containers: readonly Inspected[],
): Promise<ListedEngine> {
  const answers = new Map<string, unknown>([
    ['/info', { ID: 'engine', NCPU: 2, ...info }],
    ['/version', { Version: '20.10', ApiVersion: '1.41' }],
    ['/containers/json', containers.map(({ Id, Name, Config }) => ({ Id, Names: [Name], Labels: labelsIn(Config) }))],
    ...containers.map((one) => [`/containers/${one.Id}/json`, one] as const),
  ]);
  const server = createServer((request, answer) => {
    const body = answers.get((request.url ?? '').split('?')[0] ?? '');
    answer.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(body ?? { message: 'nothing is known of that' }));
  });
  const socket = join(folder, 'engine.sock');
  server.listen(socket);
  await once(server, 'listening');
  const address = `unix://${socket}`;
  if (open.length === 0) usual = process.env['DOCKER_HOST'];
  open.push(address);
  process.env['DOCKER_HOST'] = address;
  return {
    close() {
      server.closeAllConnections();
      server.close();
      open.splice(open.indexOf(address), 1);
      const last = open.at(-1) ?? usual;
      if (last === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = last;
    },
  };
}
