import type Docker from 'dockerode';
import { startContainer } from '../container.ts';
import { execIn } from '../exec.ts';
import { createInstance, type InstanceSettings, type LabInstance, waitReady } from '../instance.ts';
import { ensureNetwork, type Run } from '../run.ts';
import { eventually } from '../waiting.ts';

/** Instances and clients for whom one thing each is wrong on the way. All on one engine, so that one look sees them all. */

/** An instance that is ready in a third of a second, on networks of the run and with network aliases. */
export async function startServer(
  run: Run,
  name: string,
  settings: Partial<InstanceSettings> & { readonly network?: string; readonly aliases?: readonly string[] } = {},
): Promise<LabInstance> {
  const { network = run.network, aliases = [], ...rest } = settings;
  if (network !== 'bridge') await ensureNetwork(run, network);
  const instance = await createInstance(run, {
    name,
    storage: 'seeded',
    port: false,
    ...rest,
    host: { NetworkMode: network, ...rest.host },
    ...(aliases.length === 0
      ? {}
      : { container: { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [...aliases] } } } } }),
  });
  await instance.container.start();
  return instance;
}

export interface ClientSettings {
  /** Default: the server's container name and port 5432. */
  readonly address?: string;
  readonly password?: string;
  readonly database?: string;
  readonly parameters?: string;
  readonly network?: string;
  /** Default: `client-<server>`. A GUI by contract is `vrooli-pgweb-<server>`. */
  readonly name?: string;
  readonly command?: readonly string[];
  readonly restart?: boolean;
}

/** A program that has the address of a server and does nothing else. */
export async function startClient(
  run: Run,
  server: LabInstance,
  settings: ClientSettings = {},
): Promise<Docker.Container> {
  const { address = `${server.containerName}:5432`, password = server.password, database = server.database } = settings;
  const {
    network,
    name = `client-${server.name}`,
    command = ['sleep', '900'],
    parameters = '',
    restart = false,
  } = settings;
  if (network !== undefined && network !== 'bridge') await ensureNetwork(run, network);
  return startContainer(run, {
    name,
    image: `problems-lab/postgres-seeded:${run.postgres}`,
    entrypoint: command,
    env: { DATABASE_URL: `postgres://${server.user}:${password}@${address}/${database}${parameters}` },
    ...(network === undefined ? {} : { network }),
    host: restart ? { RestartPolicy: { Name: 'always' } } : { Init: true },
  });
}

/** The GUI's name by contract. */
export function guiOf(server: LabInstance): string {
  return `vrooli-pgweb-${server.name}`;
}

/** No rule lets anybody in over the network. */
export async function closeAccess(server: LabInstance): Promise<void> {
  await waitReady(server);
  const script = 'sed -i "/^host .* all /d; /^host .*samenet/d" "$PGDATA/pg_hba.conf" && pg_ctl reload -s';
  const { code, stderr } = await execIn(server.container, ['bash', '-c', script], { user: 'postgres' });
  if (code !== 0) throw new Error(stderr);
}

/** A network on which the engine blocks traffic between containers. */
export async function closedNetwork(run: Run): Promise<string> {
  const Name = `${run.prefix}closed`;
  await run.docker.createNetwork({
    Name,
    Labels: { ...run.labels },
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  });
  return Name;
}

export async function addressOn(container: Docker.Container, network: string): Promise<string> {
  const { NetworkSettings } = await container.inspect();
  return NetworkSettings.Networks[network]?.IPAddress ?? '';
}

/** Waits until a server that does not listen on its network answers inside. */
export async function waitInside({ container, user }: LabInstance): Promise<void> {
  await eventually(
    30_000,
    async () => (await execIn(container, ['psql', '-X', '-U', user, '-d', 'postgres', '-c', 'select 1'])).code === 0,
  );
}
