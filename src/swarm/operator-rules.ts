import { bounds, cut } from './bounds.ts';
import type { ListedRow } from './rows.ts';
import { isForPerson } from './rules.ts';
import type { Changed } from './types.ts';
import type { Task } from '../tasks/types.ts';

/** What people may decide about a task, by its row. Every store asks these before it changes one. */

/** Why a task cannot be approved, one sentence; undefined if it can. */
export function refusalToApprove({ id, automation, state }: ListedRow, task: Task): string | undefined {
  if (isForPerson(task)) return `${id} is left to people, so it is not handed out.`;
  if (automation !== 'approve') return `${id} needs no approval.`;
  return state === 'open' ? undefined : `${id} does not wait for approval: it is ${stateWords(state)}.`;
}

/** `stop`: its worker is asked to let go of it. `end`: it is cancelled at once. */
export function cancelOf({
  id,
  state,
}: ListedRow): { readonly how: 'stop' | 'end' } | { readonly how: 'refuse'; readonly why: string } {
  switch (state) {
    case 'claimed':
      return { how: 'stop' };
    case 'open':
    case 'person':
    case 'dead':
      return { how: 'end' };
    case 'done':
    case 'withdrawn':
    case 'cancelled':
      return { how: 'refuse', why: `${id} has ended: it is ${stateWords(state)}.` };
  }
}

/** Why a task cannot be driven again, one sentence; undefined if it can. */
export function refusalToRedrive({ id, state }: ListedRow): string | undefined {
  switch (state) {
    case 'open':
    case 'person':
    case 'dead':
    case 'cancelled':
      return undefined;
    case 'claimed':
    case 'done':
    case 'withdrawn':
      return `${id} cannot be driven again: it is ${stateWords(state)}.`;
  }
}

export function unknownTask(id: string): Changed {
  return { changed: false, why: `There is no task ${cut(id, bounds.name)}.` };
}

function stateWords(state: ListedRow['state']): string {
  return state === 'person' ? 'left to a person' : state;
}
