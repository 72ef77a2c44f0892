import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openHost } from '../../../src/app/open-host.ts';
import type { Host } from '../../../src/remediation/contract.ts';
import { changingHost } from '../../../src/remediation/engine/session.ts';
import { openRemediation, type Remediation } from '../../../src/app/remediation.ts';
import { ownIdentity } from '../../../src/host/process-identity.ts';
import type { Run } from '../run.ts';

/** A remediation that sees the run's instances alone. */
export async function openLab(run: Run): Promise<Remediation> {
  const pattern = new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`);
  const backupFolders = [join(run.folder, '.vrooli', 'backups', 'postgres')];
  return openRemediation({ folder: run.folder, host: openHost({ roots: [run.folder], pattern, backupFolders }) });
}

/** The host as actions get it, with a lock held as by a run. */
export async function actingHost(remediation: Remediation, volume = 'test'): Promise<Host> {
  const { session } = remediation;
  const taken = await session.store.locks.take('r-test', [volume], await ownIdentity(), session.at());
  if (!taken.ok) throw new Error('the lock is held');
  const { token } = taken;
  return changingHost(session, {
    id: 'r-test',
    token,
    labels: { 'problems.run': 'r-test', 'problems.token': String(token) },
  });
}

export async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8');
}
