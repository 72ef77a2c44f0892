import { z } from 'zod';
import type { ReadonlyHost } from '../../contract.ts';
import { settingsOf } from '../../instances/settings.ts';

const settings = z.strictObject({
  /** Whether a limit may be raised where the machine has room. `never`: settings are made to fit the limit instead. */
  raise: z.enum(['within-budget', 'never']).default('within-budget'),
  /**
   * When an instance without a limit is a finding. `when-overcommitted`: others on the machine have limits, and all that
   * is promised with its worst case is more than there is.
   */
  noLimit: z.enum(['when-overcommitted', 'always', 'never']).default('when-overcommitted'),
  /** How long the load of a verification lasts, after each client has done its work once. */
  loadSeconds: z.int().min(0).max(90).default(15),
  /** A kill counts for so long. */
  recentHours: z.number().positive().max(720).default(24),
});

/** `remediation.settings.memory` of the config. */
export type MemorySettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function memorySettings(host: Pick<ReadonlyHost, 'settings'>): MemorySettings {
  return settingsOf(host, 'memory', settings);
}
