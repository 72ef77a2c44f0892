import { ProblemsError } from '../../../errors.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { lookAtEach } from '../../shared/for-each-instance.ts';
import { evidenceOf, summaryOf } from './evidence.ts';
import { hostTroubles } from './host-troubles.ts';
import { look } from './observe.ts';
import { memorySettings } from './settings.ts';
import type { MemoryDetails, Seen } from './types.ts';

export const name = 'memory';

/** How many instances are looked at together. */
const together = 4;

/** Instances that were killed for their memory, cannot start for it, or will be killed; and what the machine lacks. */
export async function detect(host: ReadonlyHost): Promise<Detection<MemoryDetails>> {
  const settings = memorySettings(host);
  const [instances, info, events] = await Promise.all([host.instances(), host.docker.info(), recentEvents(host)]);
  const each = { remediator: name, together, endsAll: isAway };
  const seenOn = await lookAtEach<MemoryDetails>(instances, host, each, async (instance, noting) => {
    const { seen, trouble } = await look(instance, host, { events, cpus: info.cpus });
    if (trouble === undefined) return;
    const said = { summary: summaryOf(instance, trouble, seen), evidence: evidenceOf(instance, seen) };
    noting.found(findingOf(instance, { ...trouble, ...said }, seen));
  });
  const findings = [...seenOn.findings];
  const others = instances.filter((instance) => !findings.some((finding) => finding.instance === instance.name));
  for (const { instance, ...trouble } of await hostTroubles(others, info, settings, host))
    findings.push(findingOf(instance, { ...trouble, cause: 'work' }));
  return { ...seenOn, findings: findings.sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

function isAway(error: unknown): boolean {
  return error instanceof ProblemsError && error.code === 'engine-unreachable';
}

/** The engine keeps few of them; an instance's own log and counters are asked too. */
export async function recentEvents(host: ReadonlyHost): Promise<Awaited<ReturnType<ReadonlyHost['docker']['events']>>> {
  const now = Date.now();
  const since = new Date(now - memorySettings(host).recentHours * 3_600_000).toISOString();
  return host.docker.events({ since, until: new Date(now).toISOString() }).catch(() => []);
}

function findingOf(
  { name: instance, container }: Instance,
  found: {
    readonly kind: MemoryDetails['kind'];
    readonly cause: MemoryDetails['cause'];
    readonly summary: string;
    readonly evidence: readonly Evidence[];
  },
  seen?: Seen,
): Finding<MemoryDetails> {
  const { kind, cause, summary, evidence } = found;
  return {
    id: findingId(name, instance, kind),
    remediator: name,
    instance,
    kind,
    summary,
    risk: container.state.running ? 'restart' : 'safe',
    evidence,
    details: {
      container: container.id,
      kind,
      cause,
      limit: container.memory,
      worstCase: seen?.memory?.worstCase.total ?? null,
      sharedMemory: seen?.memory?.facts.sharedMemory ?? null,
    },
    problem: null,
  };
}
