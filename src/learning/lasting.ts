import type { RecordView } from './types.ts';

/**
 * How often fixed problems come back: recurrences per day since the fix, by handler and topic. A Gamma prior counts like
 * some days without a fault at the rate of the level above: everything, the handler, the handler on the topic.
 */

export interface LastingModel {
  fixed(at: number, record: RecordView, handler: string, weight: number): void;
  /** A fix ended: its problem came back. Ignored if no fix of the problem is known. */
  recurred(at: number, id: string): void;
  /**
   * The share of the next days for which a fix is expected to hold. The probability that it holds to the end would make
   * quick fixes that come back after some days worth nothing, and long work that lasts too dear to wait for.
   */
  estimate(now: number, record: RecordView, handler: string, days: number): Lasting;
}

export interface Lasting {
  readonly value: number;
  /** Recurrences and days since fixes that were seen for this handler and topic, by weight after decay. */
  readonly recurrences: number;
  readonly days: number;
}

interface Exposure {
  at: number;
  recurrences: number;
  /** Days since fixes, of all fixes together. */
  days: number;
  /** Weight of the fixes that hold. */
  holding: number;
}

interface Fix {
  /** What it is counted under. */
  readonly exposures: readonly Exposure[];
  readonly weight: number;
}

/** What is assumed before the first fix: one recurrence in 50 days. */
const assumed = { perDay: 0.02, days: 50 } as const;
/** A level counts as so many days at the rate of the level above. */
const priorDays = [assumed.days, 40, 40] as const;

export function createLastingModel(halfLife: number): LastingModel {
  const exposures = new Map<string, Exposure>();
  const fixes = new Map<string, Fix>();
  /** Per hour. */
  const decay = Math.LN2 / halfLife;

  /** Brings a sum up to a moment: what it holds decays, and the fixes that hold add their days. */
  function upTo(at: number, exposure: Exposure): Exposure {
    const hours = Math.max(0, at - exposure.at);
    const kept = Math.exp(-decay * hours);
    exposure.recurrences *= kept;
    exposure.days = exposure.days * kept + (exposure.holding * -Math.expm1(-decay * hours)) / decay / 24;
    exposure.at = Math.max(at, exposure.at);
    return exposure;
  }

  function exposureOf(key: string, at: number): Exposure {
    const known = exposures.get(key);
    if (known !== undefined) return known;
    const made = { at, recurrences: 0, days: 0, holding: 0 };
    exposures.set(key, made);
    return made;
  }

  function change(at: number, { exposures: own }: Fix, holding: number, recurrences: number): void {
    for (const exposure of own) {
      upTo(at, exposure);
      exposure.holding += holding;
      exposure.recurrences += recurrences;
    }
  }

  function end(at: number, id: string, recurrences: 0 | 1): void {
    const fix = fixes.get(id);
    if (fix === undefined) return;
    fixes.delete(id);
    change(at, fix, -fix.weight, recurrences * fix.weight);
  }

  return {
    fixed(at, record, handler, weight) {
      end(at, record.id, 0);
      const fix = { exposures: levelKeys(record, handler).map((key) => exposureOf(key, at)), weight };
      fixes.set(record.id, fix);
      change(at, fix, weight, 0);
    },
    recurred: (at, id) => end(at, id, 1),
    estimate(now, record, handler, days) {
      let perDay: number = assumed.perDay;
      let seen = { recurrences: 0, days: 0 };
      levelKeys(record, handler).forEach((key, level) => {
        const exposure = exposures.get(key);
        seen = exposure === undefined ? { recurrences: 0, days: 0 } : upTo(now, exposure);
        const prior = priorDays[level] ?? assumed.days;
        perDay = (seen.recurrences + prior * perDay) / (seen.days + prior);
      });
      return { value: -Math.expm1(-perDay * days) / (perDay * days), recurrences: seen.recurrences, days: seen.days };
    },
  };
}

function levelKeys(record: RecordView, handler: string): readonly string[] {
  return ['', handler, `${handler}\n${record.topic}`];
}
