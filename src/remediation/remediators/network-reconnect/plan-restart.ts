import { planOn, refusal } from '../../shared/for-each-instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { type Client, commonNetworks } from './clients.ts';
import { factsOf, guiPath, pageIsSilent } from './observe.ts';
import type { NetworkDetails, NetworkExpected } from './types.ts';

/** Restarts a GUI whose page does not answer although its database does: its process has ended, or waits for ever. */
export async function planRestart(
  finding: Finding<NetworkDetails>,
  client: Client,
  host: ReadonlyHost,
): Promise<Plan<NetworkExpected> | Refusal> {
  const { container, instance, address } = client;
  const { id, name, state, labels } = container;
  if (labels['com.docker.swarm.service.id'] !== undefined)
    return refusal(
      `${name} belongs to a Swarm service, which manages its containers.`,
      'Run: docker service update --force <service>',
    );
  if (container.autoRemove)
    return refusal(`${name} is removed when it stops (--rm).`, 'Create it again with whatever created it.');
  if (!(await pageIsSilent(client, host))) return refusal(`${name} answers now.`, 'No action needed.');
  const { systemIdentifier } = await factsOf(instance, host);
  return {
    ...planOn(finding, instance),
    summary: `Restart ${name}, whose page ${guiPath} does not answer.`,
    done: `${name} restarted, and its page answers`,
    steps: [
      {
        action: 'container.stop',
        params: { container: id, timeoutSeconds: 30, clean: false },
        why: `It reaches ${instance.name}, so only its own process is at fault.`,
        expects: [
          { check: 'container', ref: id, running: true, name, startedAt: state.startedAt },
          { check: 'container', ref: instance.container.id, running: true },
        ],
      },
      { action: 'container.start', params: { container: id } },
    ],
    risk: 'restart',
    downtime: { seconds: 0, why: `Only ${name} restarts; ${instance.name} is not touched.` },
    unpredictable: [`${name} loses what it has in memory.`],
    undo: `${name} is running again in any case; what it had in memory is lost.`,
    expected: {
      client: id,
      source: address.source,
      host: address.host,
      port: address.port,
      network: commonNetworks(container, instance.container)[0] ?? '',
      server: instance.container.id,
      systemIdentifier: systemIdentifier ?? null,
    },
  };
}
