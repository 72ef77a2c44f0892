import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { type Condition, diagnose } from './diagnose.ts';
import { folderReader, observeAll, isMigrating } from './observe.ts';
import type { MigrationDetails } from './types.ts';

export const name = 'migration-lock';

/** Checks every database of every running instance. */
export async function detect(host: ReadonlyHost): Promise<Detection<MigrationDetails>> {
  const read = folderReader(host);
  const each = { remediator: name, together: 1, only: isMigrating };
  return forEachInstance<MigrationDetails>(await host.instances(), host, each, async (instance, noting) => {
    const all = await observeAll(instance, host, read);
    for (const found of all.looks) {
      const conditions = await diagnose(found, all, instance, host);
      noting.found(...conditions.map((condition) => findingOf(instance, found.database, condition)));
    }
  });
}

function subjectOf(database: string, { subject }: Pick<Condition, 'subject'>): string {
  return `${database}.${subject}`;
}

function findingOf(instance: Instance, database: string, condition: Condition): Finding<MigrationDetails> {
  const { kind, subject, summary, evidence, repair } = condition;
  return {
    id: findingId(name, instance.name, kind, subjectOf(database, condition)),
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
