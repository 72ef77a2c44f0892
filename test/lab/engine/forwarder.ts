import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A socket in front of the engine's own that can be taken away and put back: an engine that is restarted. */
export interface Forwarder {
  readonly address: string;
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function forwardEngine(path: string): Promise<Forwarder> {
  const engine = process.env['DOCKER_HOST']?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock';
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  const forwarder: Forwarder = {
    address: `unix://${path}`,
    async open() {
      server = createServer({ allowHalfOpen: true }, (client) => {
        const there = createConnection({ path: engine, allowHalfOpen: true });
        for (const socket of [client, there]) {
          sockets.add(socket);
          socket.on('error', () => socket.destroy());
          socket.on('close', () => sockets.delete(socket));
        }
        client.pipe(there).pipe(client);
      }).listen(path);
      await once(server, 'listening');
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = server === undefined ? undefined : once(server, 'close');
      server?.close();
      await closed;
    },
  };
  await forwarder.open();
  return forwarder;
}
