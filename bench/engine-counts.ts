import { createServer, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What a program asks the Docker Engine for, counted by a proxy before its socket. */
export interface EngineCounts {
  requests: number;
  /** Of containers, images, volumes and networks. */
  inspects: number;
  /** Programs started in a container. */
  execs: number;
  /** Containers created. */
  containers: number;
  logs: number;
}

export interface CountingProxy {
  readonly socket: string;
  /** Since the last call. */
  counts(): EngineCounts;
  close(): void;
}

/** Passes everything on to the engine, streams in both directions too. */
export async function countRequests(socket: string, engine = '/var/run/docker.sock'): Promise<CountingProxy> {
  let counts = none();
  const server = createServer((incoming, answer) => {
    count(counts, incoming.method ?? '', incoming.url ?? '');
    const { method, url: path, headers } = incoming;
    const outgoing = request({ socketPath: engine, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (incoming, client: Duplex, first) => {
    count(counts, incoming.method ?? '', incoming.url ?? '');
    const { method, url: path, headers } = incoming;
    const outgoing = request({ socketPath: engine, method, path, headers });
    outgoing.on('upgrade', (reply, stream: Socket, head) => {
      const lines = Object.entries(reply.headers).map(([name, value]) => `${name}: ${String(value)}`);
      client.write([`HTTP/1.1 ${reply.statusCode} ${reply.statusMessage}`, ...lines, '', ''].join('\r\n'));
      client.write(head);
      stream.pipe(client).pipe(stream);
      for (const end of [stream, client]) end.on('error', () => [stream, client].forEach((one) => one.destroy()));
    });
    outgoing.on('error', () => client.destroy());
    // The body of the request comes after its headers.
    const length = Number(headers['content-length'] ?? 0);
    let body = first;
    const send = (): void => {
      if (body.length < length)
        return void client.once('data', (chunk: Buffer) => ((body = Buffer.concat([body, chunk])), send()));
      outgoing.end(body);
    };
    send();
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    counts() {
      const seen = counts;
      counts = none();
      return seen;
    },
    close: () => server.close(),
  };
}

function none(): EngineCounts {
  return { requests: 0, inspects: 0, execs: 0, containers: 0, logs: 0 };
}

function count(counts: EngineCounts, method: string, url: string): void {
  const path = url.replace(/^\/v[\d.]+/, '').replace(/\?.*/s, '');
  counts.requests += 1;
  if (method === 'GET' && /^\/containers\/[^/]+\/json$|^\/(?:images\/.+\/json|(?:volumes|networks)\/[^/]+)$/.test(path))
    counts.inspects += 1;
  if (method === 'POST' && /^\/containers\/[^/]+\/exec$/.test(path)) counts.execs += 1;
  if (method === 'POST' && path === '/containers/create') counts.containers += 1;
  if (path.endsWith('/logs')) counts.logs += 1;
}
