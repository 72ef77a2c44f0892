import { once } from 'node:events';
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `cut`: the connection ends before the engine hears of the request. `cut-answer`: it ends after the engine has done it.
 * `cut-stream`: of a request that turns into a stream, after so many bytes of what is sent there. `before` is called
 * before the asker sees its connection end. `late-head`: the beginning of an answer is kept until more of it comes.
 */
export type Fault =
  | { readonly type: 'delay'; readonly ms: number }
  | { readonly type: 'status'; readonly status: number }
  | { readonly type: 'late-head' }
  | { readonly type: 'cut'; readonly before?: () => void }
  | { readonly type: 'cut-answer'; readonly before?: () => void }
  | { readonly type: 'cut-stream'; readonly bytes: number; readonly before?: () => void };

export interface EngineCall {
  readonly method: string;
  readonly path: string;
}

/** The real engine behind a separate socket, with faults on the requests that `faultOf` selects. */
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
  server.on('upgrade', (incoming, socket, head) => {
    const call = { method: incoming.method ?? 'GET', path: incoming.url ?? '/' };
    tunnel(incoming, socket, head, faulty.faultOf(call));
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
  if (fault?.type === 'cut') {
    fault.before?.();
    return void incoming.socket.destroy();
  }
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
  if (fault?.type === 'cut-answer') {
    fault.before?.();
    return void incoming.socket.destroy();
  }
  answer.writeHead(response.statusCode ?? 502, response.headers);
  // The answer to a wait begins at once, and ends with what is waited for.
  if (fault?.type !== 'late-head') answer.flushHeaders();
  response.pipe(answer);
}

/** Exec and attach: after the request both sides send as they like. */
function tunnel(incoming: IncomingMessage, socket: Duplex, head: Buffer, fault: Fault | undefined): void {
  const there = createConnection({ path: engine, allowHalfOpen: true });
  for (const one of [socket, there]) {
    one.on('error', () => one.destroy());
    one.on('close', () => {
      socket.destroy();
      there.destroy();
    });
  }
  const headers = incoming.rawHeaders.map((word, index) => (index % 2 === 0 ? `${word}: ` : `${word}\r\n`));
  there.write(`${incoming.method ?? 'GET'} ${incoming.url ?? '/'} HTTP/1.1\r\n${headers.join('')}\r\n`);
  there.pipe(socket);
  if (fault?.type !== 'cut-stream') {
    there.write(head);
    socket.pipe(there);
    return;
  }
  const { bytes, before } = fault;
  let left = bytes;
  function pass(chunk: Buffer): void {
    if (left <= 0) return;
    there.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left > 0) return;
    before?.();
    there.end();
  }
  if (head.length > 0) pass(head);
  socket.on('data', pass);
}
