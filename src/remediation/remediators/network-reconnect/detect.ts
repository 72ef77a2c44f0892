import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Finding, findingId, type NotLookedAt, type ReadonlyHost } from '../../contract.ts';
import { diagnose, type Trouble } from './diagnose.ts';
import { evidenceOf } from './evidence.ts';
import { factsOf, look, type ServerFacts, worldOf } from './look.ts';
import { type Client, clientsOf } from './observe.ts';
import { guiPage } from './pgweb.ts';
import { isToldWrong } from './refusals.ts';
import { summaryOf } from './summaries.ts';
import type { NetworkDetails } from './types.ts';

export const name = 'network-reconnect';

/** Each probe is a short-lived container; more at once would slow down what they measure. */
const atOnce = 4;

type NetworkFinding = Finding<NetworkDetails>;

/** Every running client of every instance, from the client's own place. */
export async function detect(host: ReadonlyHost): Promise<Detection<NetworkDetails>> {
  const world = await worldOf(host);
  const clients = clientsOf(world);
  const facts = new Map<Instance, Promise<ServerFacts>>();
  const findings = new Map<string, NetworkFinding>();
  const notLookedAt: NotLookedAt[] = [];

  async function one(client: Client): Promise<void> {
    try {
      const known = facts.get(client.instance) ?? factsOf(client.instance, host);
      facts.set(client.instance, known);
      const seen = await look(client, world, await known, host);
      const trouble = diagnose(seen);
      if (trouble === undefined) return;
      if (trouble === 'starting') {
        notLookedAt.push(blind(client, `${client.instance.container.name} is still starting`));
        return;
      }
      // It adds to the evidence, and a GUI that ends meanwhile has none.
      const page = await guiPage(client, host).catch(() => undefined);
      const evidence = await evidenceOf(trouble, client, seen, page, world, host);
      const found = { ...findingOf(trouble, client), evidence };
      if (!findings.has(found.id)) findings.set(found.id, found);
    } catch (error) {
      if (host.signal.aborted) throw error;
      // It has ended in the meantime: then it is no client any more.
      if ((await host.docker.container(client.container.id))?.state.running !== true) return;
      notLookedAt.push(blind(client, error instanceof Error ? error.message : String(error)));
    }
  }

  const waiting = [...clients];
  async function someOf(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await one(next);
  }
  await Promise.all(Array.from({ length: atOnce }, someOf));
  return {
    findings: [...findings.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    notLookedAt: notLookedAt.sort((a, b) => (a.reason < b.reason ? -1 : 1)),
  };
}

function findingOf(trouble: Trouble, client: Client): NetworkFinding {
  const { container, instance, address } = client;
  const { source, host, port } = address;
  return {
    id: findingId(name, instance.name, trouble, container.name),
    remediator: name,
    instance: instance.name,
    kind: trouble,
    summary: summaryOf(trouble, client),
    risk: trouble === 'missing-alias' || isToldWrong(trouble) ? 'restart' : 'safe',
    evidence: [],
    details: { client: container.id, clientName: container.name, source, host, port, trouble },
    problem: null,
  };
}

function blind({ container, instance }: Client, reason: string): NotLookedAt {
  return { remediator: name, instance: instance.name, reason: `the way of ${container.name}: ${reason}` };
}
