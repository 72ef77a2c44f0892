import { parseJson } from '../util/json.ts';
import { compareText } from '../util/compare.ts';
import { explainScore } from './explain.ts';
import { createLearned, type Learned } from './history.ts';
import { allocateMemory } from './memory-limits.ts';
import { type ConflictModel, forecastConflict, observeConflict, unobservedConflicts } from './port-conflicts.ts';
import { type RankRequest, readRequest } from './protocol.ts';
import { countTopics, rank } from './rank.ts';
import { compareRates } from './rates.ts';
import type { Event, RecordView } from './types.ts';

/** The protocol of `problems rank --jsonl`, line by line. */
export interface RankSession {
  /**
   * The answer to one line of JSON, as an object to print; undefined for lines that have none: `start`, and empty lines.
   * A line that cannot be used is answered with an `error`, and changes nothing.
   */
  answer(line: string): object | undefined;
}

/** Longer lines are refused unread. In UTF-16 code units. */
export const longestLine = 256 * 1024 * 1024;

const hint = '`problems schema rank` prints the JSON Schema of the lines.';

/** A session without history; the first line is line 1. */
export function createRankSession(): RankSession {
  let learned = createLearned();
  let conflicts: ConflictModel = unobservedConflicts;
  let number = 0;
  /** How many problems of each topic were open at the latest `rank`. */
  let waiting: ReadonlyMap<string, number> = new Map();

  function fault(message: string): object {
    return { error: { line: number, message: message.slice(0, 500), hint } };
  }

  /** Folds events in the order of their times. Returns the ids that nothing has opened. */
  function observe(events: readonly Event[]): readonly string[] {
    const unknown: string[] = [];
    for (const event of inOrder(events)) {
      if (event.type === 'batch') conflicts = observeConflict(conflicts, event.batch, event.conflict);
      else if (event.type !== 'opened' && learned.record(event.id) === undefined) unknown.push(event.id);
      else learned.observe(event);
    }
    return unknown;
  }

  function respond(request: RankRequest): object | undefined {
    switch (request.type) {
      case 'start':
        learned = createLearned();
        conflicts = unobservedConflicts;
        waiting = new Map();
        return undefined;
      case 'rank': {
        const unknown = [...observe(request.events)];
        const open = known(learned, request.open, unknown);
        waiting = countTopics(open);
        return { order: rank(learned, open, request.now, request.take), ...mentioned(unknown) };
      }
      case 'forecast': {
        const unknown = observe(request.events);
        return { conflict: forecastConflict(conflicts, request.batch), ...mentioned(unknown) };
      }
      case 'explain': {
        const record = learned.record(request.id);
        if (record === undefined) return fault(`No event has opened ${JSON.stringify(request.id)}.`);
        return explainScore(learned, record, request.now, undefined, waiting.get(record.topic));
      }
      case 'memory':
        return { limits: allocateMemory(request.budget, request.instances) };
      case 'measure':
        return compareRates(request.trials, request.before, request.after);
    }
  }

  return {
    answer(line) {
      number += 1;
      if (line.length > longestLine) return fault('The line is too long.');
      if (line.trim() === '') return undefined;
      const value = parseJson(line);
      if (value === undefined) return fault('The line is not valid JSON.');
      const read = readRequest(value);
      return 'fault' in read ? fault(`Invalid request: ${read.fault}`) : respond(read.request);
    },
  };
}

function known(learned: Learned, ids: readonly string[], unknown: string[]): readonly RecordView[] {
  return [...new Set(ids)].flatMap((id) => {
    const record = learned.record(id);
    if (record === undefined) unknown.push(id);
    return record ?? [];
  });
}

function mentioned(unknown: readonly string[]): { readonly unknown?: readonly string[] } {
  return unknown.length === 0 ? {} : { unknown: [...new Set(unknown)].sort(compareText).slice(0, 100) };
}

/** What happens first at one moment. */
const order = ['opened', 'outcome', 'vanished', 'recurred', 'batch'] as const satisfies readonly Event['type'][];

/** Most programs tell events in the order of time, and sorting many takes longer than reading them. */
function inOrder(events: readonly Event[]): readonly Event[] {
  const isSorted = events.every((event, index) => {
    const before = events[index - 1];
    return before === undefined || before.at < event.at;
  });
  return isSorted ? events : events.toSorted(compareEvents);
}

/** By time; events of one moment by type and id, so that their order in the line changes nothing. */
function compareEvents(a: Event, b: Event): number {
  return a.at - b.at || order.indexOf(a.type) - order.indexOf(b.type) || (a === b ? 0 : compareText(idOf(a), idOf(b)));
}

function idOf(event: Event): string {
  if (event.type === 'opened') return event.record.id;
  return event.type === 'batch' ? event.batch.id : event.id;
}
