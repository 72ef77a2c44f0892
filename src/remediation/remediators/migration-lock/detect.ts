import type { Instance } from '../../../host/types.ts';
import { type Detection, type Finding, findingId, type NotLookedAt, type ReadonlyHost } from '../../contract.ts';
import type { MigrationDetails } from './details.ts';
import { folderReader } from './folder.ts';
import { lookAll, runs } from './look.ts';
import { type Trouble, troublesOf } from './troubles.ts';

export const name = 'migration-lock';

/** Every database of every instance that runs. Of one that does not run nothing can be told. */
export async function detect(host: ReadonlyHost): Promise<Detection<MigrationDetails>> {
  const read = folderReader(host);
  const findings: Finding<MigrationDetails>[] = [];
  const notLookedAt: NotLookedAt[] = [];
  for (const instance of (await host.instances()).filter(runs)) {
    try {
      const all = await lookAll(instance, host, read);
      for (const found of all.looks) {
        const troubles = await troublesOf(found, all, instance, host);
        findings.push(...troubles.map((trouble) => findingOf(instance, found.database, trouble)));
      }
    } catch (error) {
      if (host.signal.aborted) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      notLookedAt.push({ remediator: name, instance: instance.name, reason });
    }
  }
  return { findings: findings.sort((a, b) => (a.id < b.id ? -1 : 1)), notLookedAt };
}

function subjectOf(database: string, { subject }: Pick<Trouble, 'subject'>): string {
  return `${database}.${subject}`;
}

function findingOf(instance: Instance, database: string, trouble: Trouble): Finding<MigrationDetails> {
  const { kind, subject, summary, evidence, repair } = trouble;
  return {
    id: findingId(name, instance.name, kind, subjectOf(database, trouble)),
    remediator: name,
    instance: instance.name,
    kind,
    summary,
    risk: repair.type === 'compare' ? 'data' : 'safe',
    evidence,
    details: { container: instance.container.id, database, kind, subject },
    problem: null,
  };
}
