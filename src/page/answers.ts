import type { Fleet } from '../app/fleet.ts';
import type { Forecasts } from '../app/forecast.ts';
import type { PreflightAnswer } from '../app/preflight.ts';
import type { Stats } from '../app/stats.ts';
import type { Explanation } from '../priority/explain.ts';
import type { ApiAnswers } from '../service/api.ts';
import type { SwarmTask } from '../swarm/types.ts';

/** A task as `problems tasks --json` prints it: what the page reads of it. */
export type ListedTask = Pick<SwarmTask, 'id' | 'status'> & {
  readonly task: Pick<
    SwarmTask['task'],
    | 'id'
    | 'kind'
    | 'title'
    | 'description'
    | 'problem'
    | 'component'
    | 'target'
    | 'class'
    | 'classReason'
    | 'handler'
    | 'handlerReason'
    | 'automation'
    | 'automationReason'
    | 'priority'
  >;
};

/** A record of a registry as `problems scan --json` prints it: what the page reads of it. */
export interface ListedRecord {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly path: string;
  readonly place?: { readonly line: number };
  readonly status?: string;
  readonly severity?: string;
}

/**
 * The answers of the API as this page reads them: those of commands with the types of what the commands print. The server is
 * of the same release, so their form is not checked again.
 */
export interface Answers extends Omit<
  ApiAnswers,
  | 'GET /problems'
  | 'GET /tasks'
  | 'GET /explanations/:id'
  | 'GET /stats'
  | 'GET /forecast'
  | 'GET /fleet'
  | 'GET /preflight'
> {
  /** Its tasks are those that follow from the registries now, ranked; the queue may know some of them, and others. */
  readonly 'GET /problems': {
    readonly records: readonly ListedRecord[];
    readonly tasks: readonly ListedTask['task'][];
  };
  readonly 'GET /tasks': { readonly tasks: readonly ListedTask[] };
  readonly 'GET /explanations/:id': Pick<Explanation, 'rank' | 'of' | 'above' | 'changes' | 'waiting'> & {
    readonly task: ListedTask['task'];
  };
  readonly 'GET /stats': Stats;
  readonly 'GET /forecast': Forecasts;
  readonly 'GET /fleet': Fleet;
  readonly 'GET /preflight': { readonly ok: boolean; readonly answers: readonly PreflightAnswer[] };
}
