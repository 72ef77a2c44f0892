import { type Diagnosis, type Holder } from './diagnose.ts';
import { nameOf, rootLine } from './evidence.ts';
import { lastSample, type Measured, ordinarySlots } from './measured.ts';

/** A sentence for each diagnosis. */
export function summaryOf(instance: string, measured: Measured, diagnosis: Diagnosis): string {
  const { sessions } = lastSample(measured);
  const slots = `${sessions.length} sessions for ${ordinarySlots(measured.limits)} ordinary slots of ${instance}`;
  switch (diagnosis.kind) {
    case 'deliberate-limit': {
      const { kind, name, allowed } = diagnosis.limit;
      return `Sessions of the ${kind} ${name} of ${instance} are refused: somebody gave it a limit of ${allowed}.`;
    }
    case 'lock-pile-up':
      return `Sessions of ${instance} pile up behind a lock: ${rootLine(diagnosis, sessions)}.`;
    case 'leak':
      return `${slots}; ${diagnosis.stuck.length} of them do nothing inside open transactions: ${most(diagnosis.holders)}.`;
    case 'idle-leak':
      return `${slots}; ${diagnosis.idle} of them were used once and forgotten: ${most(diagnosis.holders)}.`;
    case 'oversized-pools':
      return `${slots}; ${diagnosis.idle} of them do nothing: the pools of ${most(diagnosis.holders)} are larger than what they use.`;
    case 'load':
      return `${slots}; ${diagnosis.busy} of them compute at once on ${measured.cpus} CPUs.`;
    case 'no-pooling':
      return `${Math.round(diagnosis.perSecond)} sessions a second are opened on ${instance}, which has ${ordinarySlots(measured.limits)} ordinary slots: clients keep none.`;
    case 'undersized':
      return `${slots}, all of them in use, and the server could serve more: ${diagnosis.demand} are asked for.`;
    case 'undetermined':
      return `${slots}, and no single cause is to be seen.`;
  }
}

function most(holders: readonly Holder[]): string {
  const shown = holders.slice(0, 3).map((holder) => `${nameOf(holder)} (${holder.sessions})`);
  return `${shown.join('; ')}${holders.length > 3 ? `; and ${holders.length - 3} more` : ''}`;
}
