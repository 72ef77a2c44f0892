import { once } from 'node:events';
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `cut`: the connection ends before the engine hears of the request. `cut-answer`: it ends after the engine has done it. */
export type Fault =
  | { readonly type: 'delay'; readonly ms: number }
  | { readonly type: 'status'; readonly status: number }
  | { readonly type: 'cut' }
  | { readonly type: 'cut-answer' };

export interface EngineCall {
  readonly method: string;
  readonly path: string;
}

/** The real engine behind a socket of its own, with faults on the requests that `faultOf` picks. */
export interface FaultyEngine {
  readonly address: string;
  /** Asked for each request; undefined: it passes as it is. May be replaced at any time. */
  faultOf: (call: EngineCall) => Fault | undefined;
  close(): Promise<void>;
}

const engine = process.env['DOCKER_HOST']?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock';

export async function openFaultyEngine(path: string): Promise<FaultyEngine> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming, answer) => {
    const call = { method: incoming.method ?? 'GET', path: incoming.url ?? '/' };
    // What breaks here breaks the connection of the one who asked, as an engine that goes away does.
    forward(incoming, answer, faulty.faultOf(call)).catch(() => incoming.socket.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  const faulty: FaultyEngine = {
    address: `unix://${path}`,
    faultOf: () => undefined,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(path);
  await once(server, 'listening');
  return faulty;
}

async function forward(incoming: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.type === 'cut') return void incoming.socket.destroy();
  if (fault?.type === 'status') {
    answer.writeHead(fault.status, { 'content-type': 'application/json' });
    return void answer.end(JSON.stringify({ message: 'the lab made this error' }));
  }
  if (fault?.type === 'delay') await sleep(fault.ms);
  const { method, url, headers } = incoming;
  const outgoing = send({ socketPath: engine, method, path: url, headers });
  incoming.pipe(outgoing);
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once('response', resolve).once('error', reject),
  );
  if (fault?.type === 'cut-answer') return void incoming.socket.destroy();
  answer.writeHead(response.statusCode ?? 502, response.headers);
  response.pipe(answer);
}
