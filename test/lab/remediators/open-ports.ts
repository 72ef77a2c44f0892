import { openRemediation, type Remediation, type RemediationOptions } from '../../../src/remediation/index.ts';
import { portReassignment } from '../../../src/remediation/remediators/port-reassignment/index.ts';
import type { Run } from '../run.ts';

/** The remediator alone, on the instances of one run, with that run's ports as its range. */
export function openPorts(
  run: Run,
  settings: {
    readonly range?: string;
    readonly reserved?: Readonly<Record<string, string>>;
    readonly files?: readonly string[];
  } = {},
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  const { first, last } = run.ports.instances;
  return openRemediation({
    folder: run.folder,
    remediators: [portReassignment],
    config: {
      containers: `^${run.prefix}vrooli-postgres-(.+)$`,
      settings: { 'port-reassignment': { range: `${first}-${last}`, ...settings } },
    },
    ...options,
  });
}
