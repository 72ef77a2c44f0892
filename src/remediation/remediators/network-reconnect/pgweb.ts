import type { HttpAnswer } from '../../../host/probes/types.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { Client } from './observe.ts';

/** pgweb answers `/api/info` without its database; this page needs it (docs/engineering/networks.md#pgweb). */
export const guiPath = '/api/connection';

/** What a GUI says of its connection; undefined for a client that is none, or that nobody can be in now. */
export async function guiPage(
  { container, instance, gui }: Client,
  host: ReadonlyHost,
): Promise<HttpAnswer | undefined> {
  const isPgweb = gui || /(?:^|\/)pgweb(?:[:@]|$)/.test(container.imageName);
  if (!isPgweb || container.state.status !== 'running') return undefined;
  const ports = new Set(
    container.portBindings.filter(({ protocol }) => protocol === 'tcp').map(({ containerPort }) => containerPort),
  );
  const [port = 8081] = ports.size === 1 ? ports : [];
  return host.probes.httpGet(container, { port, path: guiPath, image: instance.container.image });
}
