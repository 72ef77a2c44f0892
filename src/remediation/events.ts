import type { Finding, Outcome, Skipped } from './contract.ts';
import type { Phase } from './store/store.ts';

/**
 * Events of a call as they happen: for progress on a terminal, metrics and logs. Texts are redacted. New types
 * may be added, so ignore the ones you do not know.
 *
 * @example
 * await detect(remediation, {
 *   onEvent(event) {
 *     if (event.type === 'finding') console.log(event.finding.summary);
 *   },
 * });
 */
export type RemediationEvent =
  /** A call checks all instances: `detect`, `plan` and `remediate` begin with a round. */
  | {
      readonly type: 'round';
      readonly state: 'started';
      readonly remediators: readonly string[];
      readonly instances: readonly string[];
    }
  | { readonly type: 'round'; readonly state: 'ended'; readonly findings: number; readonly skipped: number }
  /** One remediator checks one instance; without `instance`, all of them. Several checks run at the same time. */
  | {
      readonly type: 'check';
      readonly state: 'started' | 'ended';
      readonly remediator: string;
      readonly instance?: string;
    }
  /** Something that you should know about an instance, and that no check looks for. */
  | { readonly type: 'notice'; readonly instance: string; readonly text: string }
  | { readonly type: 'finding'; readonly finding: Finding }
  /** A check that could not run. */
  | { readonly type: 'skipped'; readonly skipped: Skipped }
  /** A run enters a phase; `outcome` is set when the phase is `ended`. */
  | { readonly type: 'run'; readonly run: string; readonly phase: Phase; readonly outcome?: Outcome }
  /** `index` counts from 0. `what` is one line in the imperative. */
  | {
      readonly type: 'step';
      readonly run: string;
      readonly index: number;
      readonly of: number;
      readonly state: 'applying' | 'undoing';
      readonly what: string;
    };

/** Options of one call, not of the opened engine. */
export interface CallOptions {
  /**
   * Ends the call. Checks and planning stop at once and the call rejects with the signal's reason; a run stops at the next
   * safe point and is rolled back. Undo and the removal of helper containers are never interrupted.
   */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RemediationEvent) => void;
}
