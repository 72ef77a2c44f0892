import { join } from 'node:path';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { type HostOptions, openHost } from '../../../src/app/open-host.ts';
import {
  openRemediation,
  type Remediation,
  type RemediationOptions,
  planBackup,
  planExpiry,
  type RunReport,
  submit,
} from '../../../src/app/remediation.ts';
import type { Run } from '../run.ts';

/** The machine as the run's project sees it: its instances, and its backups in the folder of the managed system. */
export function openRunHost(run: Pick<Run, 'folder' | 'prefix'>, options: Partial<HostOptions> = {}): OpenHost {
  return openHost({
    ...options,
    roots: [run.folder],
    backupFolders: [join(run.folder, '.vrooli', 'backups', 'postgres')],
    pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`),
  });
}

export async function instanceNamed({ reader }: OpenHost, name: string): Promise<Instance> {
  const instance = await reader.instance(name);
  if (instance === undefined) throw new Error(`there is no instance ${name}`);
  return instance;
}

/** A request for the backups of a run. */
export interface BackupWork {
  readonly take?: { readonly instance: string; readonly backup: string; readonly drill: boolean };
  /** `<instance>/<name>` each. */
  readonly expire?: readonly string[];
}

export async function submitWork(remediation: Remediation, work: BackupWork): Promise<readonly RunReport[]> {
  const { reader } = remediation.session;
  const taking = work.take === undefined ? [] : [await planBackup(work.take, reader)];
  const reports: RunReport[] = [];
  for (const one of [...taking, ...(await planExpiry(work.expire ?? [], reader))])
    reports.push(await submit(remediation, one, { yes: true }));
  return reports;
}

/** The instances and backups of one run. */
export function openRequests(
  run: Pick<Run, 'folder' | 'prefix'>,
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  return openRemediation({
    folder: run.folder,
    config: { containers: `^${run.prefix}vrooli-postgres-(.+)$` },
    ...options,
  });
}
