import type { Scenario } from '../scenario.ts';
import { all, broken } from './all.ts';
import { collationChanged } from './collation-changed.ts';
import { composePort } from './compose-port.ts';
import { diskFull } from './disk-full.ts';
import { healthy } from './healthy.ts';
import { layouts } from './layouts.ts';
import { notStarting } from './not-starting.ts';
import { twoServers } from './two-servers.ts';
import { wrongCheck } from './wrong-check.ts';
import { wrongMount } from './wrong-mount.ts';

/** The lab's scenarios: problems of the registry, other ones, none, and all problems of the registry at once. */
export const scenarios: readonly Scenario[] = [
  ...broken,
  collationChanged,
  composePort,
  diskFull,
  notStarting,
  twoServers,
  wrongCheck,
  wrongMount,
  layouts,
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
