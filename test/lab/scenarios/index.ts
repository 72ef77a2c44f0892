import type { Scenario } from '../scenario.ts';
import { all, broken } from './all.ts';
import { collationChanged } from './collation-changed.ts';
import { composePort } from './compose-port.ts';
import { healthy } from './healthy.ts';
import { notStarting } from './not-starting.ts';
import { twoServers } from './two-servers.ts';
import { wrongMount } from './wrong-mount.ts';

/** The lab's scenarios: problems of the registry, other ones, none, and all problems of the registry at once. */
export const scenarios: readonly Scenario[] = [
  ...broken,
  collationChanged,
  composePort,
  notStarting,
  twoServers,
  wrongMount,
  healthy,
  all,
];

/** The scenario of this name; an unknown name is an error that lists the known ones. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no scenario "${name}": ${scenarioNames()}`);
  return found;
}

/** The names, as one says them in a message. */
export function scenarioNames(): string {
  return scenarios.map((one) => one.name).join(', ');
}
