import type { AlertSection } from '../../config/alerts.ts';
import type { AlertView } from '../types.ts';

type ChannelSection = NonNullable<AlertSection['alerts']>[number];

/** Who is told of alerts. */
export interface Channel extends Pick<ChannelSection, 'to' | 'url'> {
  /** Unique; in metrics, on the page and in the journal. */
  readonly name: string;
  /** The lowest severity that is sent. */
  readonly min: AlertView['severity'];
  /** Undefined: all. */
  readonly instances: readonly string[] | undefined;
}

/** The keys of the section `service` that are about alerts, with their defaults. */
export interface AlertSettings {
  readonly channels: readonly Channel[];
  /** After how many hours an alert that still fires, and is not acknowledged, is sent again. */
  readonly remindHours: number;
  /** When alerts are held back, in UTC. */
  readonly quiet: NonNullable<AlertSection['quiet']>;
}

/** A channel without a name has that of its kind; one whose name is taken gets a number. */
export function alertSettings({ alerts = [], remindHours = 4, quiet = [] }: AlertSection): AlertSettings {
  const taken = new Set<string>();
  const channels = alerts.map(({ to, url, name: wanted = to, min = 'medium', instances }) => {
    let name: string = wanted;
    for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
    taken.add(name);
    return { to, url, name, min, instances };
  });
  return { channels, remindHours, quiet };
}
