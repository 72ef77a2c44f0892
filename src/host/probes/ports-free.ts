import { createServer } from 'node:net';
import { listAt, parseJson, textAt } from '../../util/json.ts';
import { type ChangingEngine, jsonOf } from '../docker/client.ts';
import { helperLabel } from '../labels.ts';
import type { PortProbe } from './types.ts';

/**
 * Whether a port can be bound and listened on, as Docker does it: a scan by connecting sees neither a listener of the
 * other family nor a client's own port (PGOPS §1.1). An empty address is both families. On this machine the port is
 * tried here; elsewhere by a container that publishes it, which needs an image that is already there.
 */
export async function portsFree(
  engine: ChangingEngine,
  boundHere: boolean,
  ports: readonly { readonly hostIp: string; readonly port: number }[],
): Promise<readonly PortProbe[]> {
  const probes: PortProbe[] = [];
  for (const { hostIp, port } of ports) {
    const reason = boundHere ? await tryHere(hostIp, port) : await tryThere(engine, hostIp, port);
    probes.push({ hostIp, port, free: reason === '', reason });
  }
  return probes;
}

async function tryHere(hostIp: string, port: number): Promise<string> {
  const addresses = hostIp === '' || hostIp === '::' ? ['0.0.0.0', '::'] : [hostIp];
  for (const address of addresses) {
    const reason = await listen(address, port);
    // A machine without IPv6 publishes on IPv4 alone.
    if (reason !== '' && !(address === '::' && hostIp === '' && reason === 'EAFNOSUPPORT')) return reason;
  }
  return '';
}

function listen(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) =>
      resolve('code' in error && typeof error.code === 'string' ? error.code : error.message),
    );
    server.listen({ host, port, ipv6Only: true, exclusive: true }, () => server.close(() => resolve('')));
  });
}

async function tryThere(engine: ChangingEngine, hostIp: string, port: number): Promise<string> {
  const images = jsonOf(await engine.get({ path: '/images/json' }), 'list images');
  const image = listAt(images)
    .map((one) => textAt(one, 'Id'))
    .find((id) => id !== '');
  if (image === undefined) return 'no image to try it with';
  const created = jsonOf(
    await engine.post({
      path: '/containers/create',
      body: {
        Image: image,
        Entrypoint: ['sleep', '5'],
        Cmd: [],
        Labels: { [helperLabel]: '1' },
        ExposedPorts: { '9/tcp': {} },
        HostConfig: {
          PortBindings: { '9/tcp': [{ HostIp: hostIp, HostPort: String(port) }] },
          CapDrop: ['ALL'],
          ReadonlyRootfs: true,
        },
      },
    }),
    'create a helper container',
  );
  const id = textAt(created, 'Id');
  try {
    const started = await engine.post({ path: `/containers/${id}/start` });
    return started.status < 400 ? '' : textAt(parseJson(started.body.toString()), 'message');
  } finally {
    await engine.delete({ path: `/containers/${id}`, query: { force: '1', v: '1' } });
  }
}
