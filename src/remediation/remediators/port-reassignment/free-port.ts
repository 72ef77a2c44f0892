import type { ReadonlyHost } from '../../contract.ts';
import type { PortSurvey } from './observe.ts';
import { portsOf } from './port-range.ts';
import type { PortSettings } from './settings.ts';

/**
 * The ports of the range that the instance may be given: nobody else has a reason to hold one. A port that already is
 * the instance's own, by lease or declaration, comes first; then ascending. Whether they can be bound is another
 * question: `firstFree`. Pure.
 */
export function candidates(
  survey: PortSurvey,
  settings: PortSettings,
  instance: string,
  without?: number,
): readonly number[] {
  const open = portsOf(settings.range).filter(
    (port) => port !== without && survey.holders(port).every((holder) => holder.instance === instance),
  );
  const own = open.filter((port) => survey.holders(port).length > 0);
  return [...own, ...open.filter((port) => !own.includes(port))];
}

/** The first that can be bound and listened on, by every address that will be published. Undefined where none can. */
export async function firstFree(
  host: ReadonlyHost,
  ports: readonly number[],
  addresses: readonly string[],
): Promise<number | undefined> {
  for (const port of ports) {
    const probes = await host.probes.portsFree(addresses.map((hostIp) => ({ hostIp, port })));
    if (probes.every(({ free }) => free)) return port;
  }
  return undefined;
}
