import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What happens to the next message of a client that contains a text; the server's answer to it never arrives. */
export type Fault =
  /** It does not arrive either, nor does anything after it, until `heal`: the connection is half open. */
  | { readonly at: string; readonly type: 'hold' }
  /** It arrives, and the connection is cut. */
  | { readonly at: string; readonly type: 'cut' };

/** A network between a client and a server. */
export interface Proxy extends Disposable {
  readonly port: number;
  /** Applies once. */
  fail(fault: Fault): void;
  /** What was held back arrives now. */
  heal(): void;
  /** Cuts all connections. */
  cut(): void;
  /** Each message takes up to so many milliseconds. */
  delay(ms: number): void;
}

export async function startProxy(target: number): Promise<Proxy> {
  let fault: Fault | undefined;
  let longest = 0;
  let release: (() => void) | undefined;
  let held: Promise<void> | undefined;
  const sockets = new Set<Socket>();

  /** Forwards one message after the other, in order. */
  function forward(from: Socket, to: Socket, isClient: boolean): void {
    let last: Promise<void> = Promise.resolve();
    from.on('data', (chunk) => {
      last = last.then(async () => {
        if (longest > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
        if (isClient && fault !== undefined && chunk.includes(fault.at)) {
          const { type } = fault;
          fault = undefined;
          if (type === 'hold') held = new Promise((resolve) => (release = resolve));
          else {
            from.destroy();
            to.end(chunk);
            return;
          }
        }
        await held;
        if (!to.destroyed) to.write(chunk);
      });
    });
    from.on('close', () => void last.then(() => to.end()));
    from.on('error', () => undefined);
  }

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    forward(client, upstream, true);
    forward(upstream, client, false);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();

  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }
  function heal(): void {
    release?.();
    held = undefined;
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    fail: (next) => (fault = next),
    heal,
    cut,
    delay: (ms) => (longest = ms),
    [Symbol.dispose]() {
      heal();
      cut();
      server.close();
    },
  };
}
