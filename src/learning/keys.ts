import type { RecordView } from './types.ts';

/**
 * What attempts by one handler on one record are counted under, from the most general to the most particular; undefined if it is
 * not known.
 */
export interface Keys {
  readonly all: string;
  readonly handler: string;
  readonly topic: string;
  readonly finding: string | undefined;
  /** Without the handler: how hard such problems are for anyone. */
  readonly findingByAnyone: string | undefined;
  readonly image: string | undefined;
  readonly version: string | undefined;
  /** With the stated or derived cost, which tells of minutes. */
  readonly cost: string;
  readonly record: string;
}

/** Keys are made once for each record and handler, since every ranking asks for all of them. */
const made = new WeakMap<RecordView, Map<string, Keys>>();

/** A line break separates the parts, which none of our own names has; elsewhere it could at worst join two counts. */
export function keysOf(record: RecordView, handler: string): Keys {
  const known = made.get(record) ?? new Map<string, Keys>();
  made.set(record, known);
  const found = known.get(handler);
  if (found !== undefined) return found;
  const { topic, finding, image, postgres, id, estimates } = record;
  const keys: Keys = {
    all: '',
    handler,
    topic: `${handler}\n${topic}`,
    finding: finding === '' ? undefined : `${handler}\n${topic}\n${finding}`,
    findingByAnyone: finding === '' ? undefined : `${topic}\n${finding}`,
    image: image === '' ? undefined : `${handler}\n${image}`,
    version: postgres === 0 ? undefined : `${handler}\n${postgres}`,
    cost: `${handler}\n${estimates.resourceCost}`,
    record: id,
  };
  known.set(handler, keys);
  return keys;
}
