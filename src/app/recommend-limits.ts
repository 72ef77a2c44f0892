import { allocateMemory, type Demand, exceedance, expectDemand, limitExceeded } from '../learning/memory-limits.ts';
import type { SampledDay } from '../remediation/store/store.ts';
import type { Fleet, FleetInstance } from './fleet.ts';
import type { Remediation } from './open-remediation.ts';
import { historiesOf } from './samples.ts';

/** A proposal for one instance. Sizes in bytes. */
export interface LimitRecommendation {
  readonly instance: string;
  readonly container: string;
  /** The present limit; 0: none. */
  readonly limit: number;
  /** Null if it was not seen for long enough: then its present limit is kept. */
  readonly recommended: number | null;
  /** How many days it was seen on, and on how many of them a process was killed at the limit. */
  readonly days: number;
  readonly killedDays: number;
  /** What a day in the middle needs, and what one day of a hundred exceeds. Null without a recommendation. */
  readonly needs: { readonly usually: number; readonly rarely: number } | null;
  /** The probability that a day exceeds the limit: the present one, null without one, and the recommended one. */
  readonly exceeds: { readonly present: number | null; readonly recommended: number } | null;
  /** One sentence each. */
  readonly reasons: readonly string[];
}

export interface FleetRecommendation {
  /** Sorted by name. */
  readonly instances: readonly LimitRecommendation[];
  /** What is left of the machine's budget with these limits; negative if the machine has too little. Bytes. */
  readonly left: number;
}

/** With fewer days, one large job would decide. */
const fewestDays = 7;
/** A limit that is exceeded less often would be wasted. */
const rareEnough = 1 / 1000;
const MiB = 2 ** 20;
const step = 16 * MiB;
/** What a server needs next to its shared buffers. */
const leastRest = 128 * MiB;

/** Days that `fleet` has noted for the instances of this engine. By instance, then oldest first. */
export async function sampledDays({ session: { reader, store } }: Remediation): Promise<readonly SampledDay[]> {
  return store.samples((await reader.docker.info()).id).days();
}

/**
 * Limits for all instances together, within the machine's budget, by what each has needed. Changes nothing.
 * See docs/learning.md#memory.
 */
export function recommendLimits({ instances, others, host }: Fleet, days: readonly SampledDay[]): FleetRecommendation {
  const present = new Map(instances.map((one) => [one.instance, one]));
  const histories = historiesOf(days, instances).filter((history) => history.days.length >= fewestDays);
  const known = new Set(histories.map(({ name }) => name));
  const kept = instances.filter(({ instance }) => !known.has(instance)).map(promised);
  const taken = [...kept, ...others.map(({ limit }) => limit)].reduce((sum, one) => sum + one, 0);
  const available = Math.max(0, host.budget - taken);
  const limits = allocateMemory(available, histories);
  const demands = new Map(expectDemand(histories).map((demand) => [demand.name, demand]));
  const recommended = new Map(
    [...demands].map(([name, demand]) => [name, roundedLimit(demand, limits[name] ?? 0, present.get(name))]),
  );
  const given = [...recommended.values()].reduce((sum, one) => sum + one, 0);
  return {
    instances: instances.map((one) => {
      const own = days.filter(({ instance }) => instance === one.instance);
      return recommendation(one, own, demands.get(one.instance), recommended.get(one.instance));
    }),
    left: host.budget - taken - given,
  };
}

/** What instances here have needed, for one that is about to be created. Undefined if none was seen for long enough. */
export function usualNeeds(days: readonly SampledDay[]): string | undefined {
  const names = [...new Set(days.map(({ instance }) => instance))];
  const histories = historiesOf(
    days,
    names.map((instance) => ({ instance, limit: days.findLast((day) => day.instance === instance)?.limit ?? 0 })),
  ).filter((history) => history.days.length >= fewestDays);
  const needs = expectDemand(histories)
    .map((demand) => limitExceeded(demand, 0.01))
    .sort((a, b) => a - b);
  const [least] = needs;
  const most = needs.at(-1);
  if (least === undefined || most === undefined) return undefined;
  const range = needs.length === 1 ? inMiB(most) : `between ${inMiB(least)} and ${inMiB(most)}`;
  return `99 of 100 days of ${needs.length === 1 ? 'the instance' : `the ${needs.length} instances`} seen here need at most ${range}`;
}

function promised({ limit, worstCase }: FleetInstance): number {
  return limit > 0 ? limit : worstCase;
}

/** Not more than is ever needed, and not less than the server needs to start. */
function roundedLimit(demand: Demand, allocated: number, present: FleetInstance | undefined): number {
  const enough = Math.min(allocated, limitExceeded(demand, rareEnough));
  return Math.max(
    Math.floor(enough / step) * step,
    Math.ceil(((present?.sharedBuffers ?? 0) + leastRest) / step) * step,
  );
}

function recommendation(
  { instance, container, limit, worstCase }: FleetInstance,
  days: readonly SampledDay[],
  demand: Demand | undefined,
  recommended: number | undefined,
): LimitRecommendation {
  const killedDays = days.filter(({ killed }) => killed).length;
  const own = { instance, container, limit, days: days.length, killedDays };
  if (demand === undefined || recommended === undefined) {
    const reason = `seen on ${days.length} of the ${fewestDays} days that a recommendation needs; its present limit is kept`;
    return { ...own, recommended: null, needs: null, exceeds: null, reasons: [reason] };
  }
  const [usually, rarely] = [limitExceeded(demand, 0.5), limitExceeded(demand, 0.01)];
  const present = limit > 0 ? exceedance(demand, limit) : null;
  const above = exceedance(demand, recommended);
  return {
    ...own,
    recommended,
    needs: { usually, rarely },
    exceeds: { present, recommended: above },
    reasons: [
      `needs ${inMiB(usually)} on a day in the middle, and more than ${inMiB(rarely)} on one of 100`,
      ...(killedDays === 0 ? [] : [`processes were killed at the limit on ${killedDays} of ${days.length} days`]),
      ...(above > 0.01 ? [`the machine has no more for it: ${Math.round(above * 100)} of 100 days exceed this`] : []),
      ...(worstCase > recommended * 0.8
        ? [`its worst case with its present settings is ${inMiB(worstCase)}: \`problems tune ${instance}\` lowers it`]
        : []),
    ],
  };
}

function inMiB(bytes: number): string {
  return `${Math.round(bytes / MiB)} MiB`;
}
