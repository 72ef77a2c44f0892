import type Docker from 'dockerode';

import { startContainer } from './container.ts';
import type { LabInstance } from './instance.ts';
import type { Run } from './run.ts';
import { eventually } from './waiting.ts';

/** The web GUI of one instance: `<prefix>vrooli-pgweb-<instance>`, published on a port of the host. */
export interface Gui {
  readonly containerName: string;
  readonly container: Docker.Container;
  readonly port: number;
}

export interface GuiSettings {
  /** Where the GUI looks for its database. Default: the instance's container name and port 5432. */
  readonly address?: string;
  /** Default: the run's. */
  readonly network?: string;
}

/** Starts the substitute for pgweb of an instance, and waits until it answers, with or without its database. */
export async function startGui(run: Run, instance: LabInstance, settings: GuiSettings = {}): Promise<Gui> {
  const { address = `${instance.containerName}:5432`, network } = settings;
  const port = await run.takeGuiPort();
  const name = `vrooli-pgweb-${instance.name}`;
  const container = await startContainer(run, {
    name,
    image: 'problems-lab/webgui:1',
    env: {
      PGWEB_DATABASE_URL: `postgres://${instance.user}:${instance.password}@${address}/${instance.database}?sslmode=disable`,
    },
    ...(network === undefined ? {} : { network }),
    host: {
      PortBindings: { '8081/tcp': [{ HostIp: '', HostPort: String(port) }] },
      RestartPolicy: { Name: 'unless-stopped' },
    },
  });
  const gui = { containerName: `${run.prefix}${name}`, container, port };
  // The published port takes connections before anything inside does.
  await eventually(20_000, async () => {
    const answer = await askGui(gui, '/api/info').catch(() => undefined);
    return answer?.status === 200;
  });
  return gui;
}

/** The GUI of the instance of this name. */
export async function findGui(run: Run, instance: string): Promise<Gui> {
  const containerName = `${run.prefix}vrooli-pgweb-${instance}`;
  const container = run.docker.getContainer(containerName);
  const { HostConfig } = await container.inspect();
  const bindings: Record<string, { HostPort: string }[]> = HostConfig.PortBindings ?? {};
  return { containerName, container, port: Number(bindings['8081/tcp']?.[0]?.HostPort) };
}

/** What the GUI's page answers: the status and the words. */
export async function askGui(gui: Gui, path = '/'): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`http://127.0.0.1:${gui.port}${path}`, { signal: AbortSignal.timeout(20_000) });
  return { status: response.status, body: await response.text() };
}
