import type { PrioritisedKind, PrioritisedRecord, Ranked } from '../priority/index.ts';
import type { Draft } from './draft.ts';
import type { Triage } from './types.ts';

/** A draft with all that its task needs but the tasks that come first. */
export interface Planned extends PrioritisedRecord {
  readonly draft: Draft;
  readonly id: string;
  readonly triage: Triage;
}

/** What the tie order looks at besides the priority. */
export function standing(record: PrioritisedKind): Pick<Ranked, 'severity' | 'lastOccurrence'> {
  switch (record.kind) {
    case 'active':
      return {
        ...(record.severity === undefined ? {} : { severity: record.severity }),
        ...(record.lastOccurrence === undefined ? {} : { lastOccurrence: record.lastOccurrence }),
      };
    case 'intermittent':
      return record.lastSeen === undefined ? {} : { lastOccurrence: record.lastSeen };
    case 'pattern':
    case 'resolved':
      return {};
  }
}
