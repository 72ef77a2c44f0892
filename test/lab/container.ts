import type Docker from 'dockerode';

import { type Executed, logOf } from './exec.ts';
import { environment } from './instance.ts';
import { ensureNetwork, type Run } from './run.ts';

/** A container of the run other than an instance: a client, a load, a helper, a web GUI. */
export interface ContainerSettings {
  /** After the run's prefix. Default: a name of the engine's. */
  readonly name?: string;
  readonly image: string;
  /** Replaces the image's entrypoint. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  /** Default: the run's network. */
  readonly network?: string;
  readonly binds?: readonly string[];
  readonly host?: Docker.HostConfig;
}

/** Creates a container with the run's labels. */
export async function createContainer(run: Run, settings: ContainerSettings): Promise<Docker.Container> {
  const { name, image, entrypoint, command, env = {}, user, network = run.network, binds = [], host = {} } = settings;
  if (network === run.network) await ensureNetwork(run);
  return run.docker.createContainer({
    ...(name === undefined ? {} : { name: `${run.prefix}${name}` }),
    Image: image,
    ...(entrypoint === undefined ? {} : { Entrypoint: [...entrypoint] }),
    ...(command === undefined ? {} : { Cmd: [...command] }),
    ...(user === undefined ? {} : { User: user }),
    Env: environment(env),
    Labels: { ...run.labels },
    HostConfig: { NetworkMode: network, Binds: [...binds], ...host },
  });
}

/** Creates a container and starts it. */
export async function startContainer(run: Run, settings: ContainerSettings): Promise<Docker.Container> {
  const container = await createContainer(run, settings);
  await container.start();
  return container;
}

/** Runs a container to its end and removes it. `stdout` is the whole log. */
export async function runContainer(run: Run, settings: ContainerSettings): Promise<Executed> {
  const container = await startContainer(run, settings);
  try {
    const { StatusCode } = await container.wait();
    return { code: StatusCode, stdout: await logOf(container), stderr: '' };
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** The helper without a network: a shell as root on the data of another container, `/folder` inside. */
export function runHelper(run: Run, bind: string, script: string): Promise<Executed> {
  return runContainer(run, {
    image: `problems-lab/postgres-seeded:${run.postgres}`,
    entrypoint: ['bash', '-euc'],
    command: [script],
    user: '0:0',
    network: 'none',
    binds: [`${bind}:/folder`],
  });
}
