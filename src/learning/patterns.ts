import type { RecordView } from './types.ts';

/**
 * What a pattern costs while it is open: it causes problems of its kind, each of which costs impact until it is closed.
 * The rate of cases is counted per hour since the pattern was opened, shrunk towards the rate of all patterns.
 */
export interface PatternModel {
  opened(at: number, record: RecordView, impact: number): void;
  /** A problem or a pattern was fixed or went away. */
  closed(at: number, id: string): void;
  reopened(at: number, id: string): void;
  /** The cost that a pattern causes per hour that it stays open, in the units of impact. */
  estimate(now: number, id: string): Consequences;
}

export interface Consequences {
  /** Impact-hours per hour. */
  readonly value: number;
  readonly cases: number;
  /** How long the pattern has been open. */
  readonly hours: number;
}

interface Pattern {
  /** Since when it is open; undefined while it is not. */
  readonly since: number | undefined;
  /** Hours that it was open before. */
  readonly before: number;
  readonly cases: number;
}

/** A pattern's rate counts as so many hours at the rate of all patterns. */
const priorHours = 168;
/** No problem is taken to stay open for longer, so that a backlog does not outweigh everything else. */
const longestOpen = 336;
/** Mean hours that a problem stays open, before any was closed; counts like so many problems. */
const assumedOpen = { hours: 24, problems: 5 } as const;

export function createPatternModel(): PatternModel {
  const patterns = new Map<string, Pattern>();
  const open = new Map<string, number>();
  const ended = { count: 0, hours: 0 };
  const cases = { count: 0, impact: 0 };
  /** Of all patterns together: their hours at a moment are `before`, and those since each open one was opened. */
  const all = { before: 0, open: 0, since: 0, cases: 0 };

  function hoursOf(pattern: Pattern, now: number): number {
    return pattern.before + (pattern.since === undefined ? 0 : Math.max(0, now - pattern.since));
  }

  function count({ since, before, cases: own }: Pattern, sign: 1 | -1): void {
    all.before += sign * before;
    all.cases += sign * own;
    if (since === undefined) return;
    all.open += sign;
    all.since += sign * since;
  }

  /** Replaces what is known of a pattern. */
  function put(id: string, pattern: Pattern): void {
    const known = patterns.get(id);
    if (known !== undefined) count(known, -1);
    patterns.set(id, pattern);
    count(pattern, 1);
  }

  return {
    opened(at, record, impact) {
      open.set(record.id, at);
      if (record.kind === 'pattern') put(record.id, { since: at, before: 0, cases: 0 });
      if (record.pattern === null) return;
      cases.count += 1;
      cases.impact += impact;
      const pattern = patterns.get(record.pattern);
      if (pattern !== undefined) put(record.pattern, { ...pattern, cases: pattern.cases + 1 });
    },
    closed(at, id) {
      const since = open.get(id);
      if (since === undefined) return;
      open.delete(id);
      const pattern = patterns.get(id);
      if (pattern === undefined) {
        ended.count += 1;
        ended.hours += Math.min(longestOpen, Math.max(0, at - since));
      } else {
        put(id, { ...pattern, before: hoursOf(pattern, at), since: undefined });
      }
    },
    reopened(at, id) {
      open.set(id, at);
      const pattern = patterns.get(id);
      if (pattern !== undefined) put(id, { ...pattern, since: at });
    },
    estimate(now, id) {
      const pattern = patterns.get(id);
      if (pattern === undefined || cases.count === 0) return { value: 0, cases: 0, hours: 0 };
      const own = hoursOf(pattern, now);
      const hours = Math.max(own, all.before + all.open * now - all.since);
      const usual = all.cases / (hours + priorHours);
      const perHour = (pattern.cases + priorHours * usual) / (own + priorHours);
      const openFor = (ended.hours + assumedOpen.hours * assumedOpen.problems) / (ended.count + assumedOpen.problems);
      return { value: perHour * (cases.impact / cases.count) * openFor, cases: pattern.cases, hours: own };
    },
  };
}
