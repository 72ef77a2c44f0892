import type { RecordView } from './types.ts';

/** What is counted together: handlers that are programs, agents, and people take different times for everything. */
function roleOf(handler: string): string {
  return handler === 'agent' || handler === 'person' ? handler : 'program';
}

/** What records have in common, as far as attempts are counted under it. */
export function settingOf({ topic, finding, image, postgres }: RecordView): readonly (string | number)[] {
  return [topic, finding, image, postgres];
}

/**
 * What attempts by one handler on one record are counted under, from the most general to the most particular; undefined if it is
 * not known. A line break separates the parts, which none of our own names has; elsewhere it could at worst join two counts.
 */
export interface Keys {
  readonly all: string;
  readonly role: string;
  readonly handler: string;
  readonly topic: string;
  readonly finding: string | undefined;
  /** Without the handler: how hard such problems are for anyone. */
  readonly findingByAnyone: string | undefined;
  readonly image: string | undefined;
  readonly version: string | undefined;
  /** With the stated or derived cost, which tells of minutes. */
  readonly cost: string;
}

export function keysOf({ topic, finding, image, postgres, estimates }: RecordView, handler: string): Keys {
  return {
    all: '',
    role: roleOf(handler),
    handler,
    topic: `${handler}\n${topic}`,
    finding: finding === '' ? undefined : `${handler}\n${topic}\n${finding}`,
    findingByAnyone: finding === '' ? undefined : `${topic}\n${finding}`,
    image: image === '' ? undefined : `${handler}\n${image}`,
    version: postgres === 0 ? undefined : `${handler}\n${postgres}`,
    cost: `${handler}\n${estimates.resourceCost}`,
  };
}
