import type { EstimateValues } from '../priority/index.ts';

/**
 * The history that estimates and forecasts are learned from, in the form of the protocol of `problems rank --jsonl`.
 * Times are hours since the start of a period, whose hour 0 is 00:00 of a Monday. Nothing in this folder reads a clock.
 */

/** What is learned from, in the order in which it happened. */
export type Event =
  | { readonly type: 'opened'; readonly at: number; readonly record: RecordView }
  | OutcomeEvent
  /** A problem that had been fixed is there again. */
  | { readonly type: 'recurred'; readonly at: number; readonly id: string }
  /** A problem went away by itself. */
  | { readonly type: 'vanished'; readonly at: number; readonly id: string }
  | { readonly type: 'batch'; readonly at: number; readonly batch: Batch; readonly conflict: boolean };

/** The end of one attempt on a problem. */
export interface OutcomeEvent {
  readonly type: 'outcome';
  readonly at: number;
  /** Of the record. */
  readonly id: string;
  readonly handler: string;
  readonly startedAt: number;
  readonly minutes: number;
  readonly fixed: boolean;
}

/** What is known of a problem when it is opened. */
export interface RecordView {
  readonly id: string;
  readonly kind: 'active' | 'intermittent' | 'pattern';
  /** One of the classes of triage. */
  readonly class: string;
  /** What triage found it to be about, such as `port conflicts`. */
  readonly topic: string;
  /** The kind of the finding on the instance. */
  readonly finding: string;
  readonly instance: string;
  readonly image: string;
  /** The major version. */
  readonly postgres: number;
  readonly estimates: EstimateValues & { readonly provenance: 'stated' | 'derived' };
  /** Who can take it; first the one that triage names. */
  readonly handlers: readonly string[];
  /** The record of the pattern that it is a case of. */
  readonly pattern: string | null;
  readonly openedAt: number;
}

/** Instances that are created together. */
export interface Batch {
  readonly id: string;
  /** The hour of the day, 0 to 23. */
  readonly hour: number;
  /** How many instances are created. */
  readonly size: number;
  /** Between one creation and the next. */
  readonly gapMinutes: number;
  /** From the creation of an instance to its start. */
  readonly startMinutes: number;
  /** The share of instances that ask for a particular port, 0 to 1. */
  readonly explicitPorts: number;
  /** How many instances there already are. */
  readonly instances: number;
}

/** How much memory one instance has needed, day by day. Memory is in one unit throughout, such as MiB. */
export interface History {
  readonly name: string;
  /** Its size as a name or in memory: what instances are created alike. */
  readonly template: string | number;
  /** Its limit during these days. */
  readonly limit: number;
  /** Oldest first. On a killed day the need was at least `limit`: that of the day, if it was another one. */
  readonly days: readonly { readonly peak: number; readonly killed: boolean; readonly limit?: number }[];
}

/** One creation of an instance, or one backup. */
export interface Trial {
  readonly at: number;
  readonly kind: 'creation' | 'backup';
  readonly ok: boolean;
}

/** A rate of success, with its 90% interval. */
export interface Rate {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** A rate in two periods. `better` is the probability that it has risen. */
export interface Pair {
  readonly before: Rate;
  readonly after: Rate;
  readonly better: number;
}

/** An estimate with its 80% interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * One attempt, as estimates count it: who tried to fix which problem, and what came of it. Outcomes of the queue, runs of
 * the engine and the events above are all read into this.
 */
export interface Attempt {
  readonly record: RecordView;
  readonly handler: string;
  /** When it ended. */
  readonly at: number;
  readonly minutes: number;
  readonly fixed: boolean;
  /** How much it counts: 1 if the engine verified the result, less if a worker only reported it. */
  readonly weight: number;
}
