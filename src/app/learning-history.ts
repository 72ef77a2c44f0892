import { mostPast, type PastAttempt } from '../learning/past.ts';
import type { RecordView } from '../learning/types.ts';
import { instantOf } from '../priority/index.ts';
import { wordsOf } from '../priority/record-text.ts';
import type { FailureClass } from '../remediation/contract.ts';
import type { RunRecord } from '../remediation/store/store.ts';
import type { TaskOutcome } from '../swarm/types.ts';
import type { Classifier } from '../tasks/classify.ts';
import { attemptsOf, type BacklogEntry, finishedAt } from '../tasks/formats/swarm-manager/index.ts';
import type { Task } from '../tasks/types.ts';

/** Everything that remembers attempts, as it was read. */
export interface PastSources {
  readonly outcomes: readonly TaskOutcome[];
  /** Of the journal. Those that this user has not signed were written by someone else, and count as reported. */
  readonly runs: readonly { readonly run: RunRecord; readonly isSigned: boolean }[];
  /** Task files of a swarm-manager. Those of tasks with an outcome in the queue are left out. */
  readonly files: readonly BacklogEntry[];
  /** From another machine or an earlier time, as `problems learn export` wrote them. */
  readonly imported: readonly PastAttempt[];
  /** What is known of a task, from the registries or the queue. */
  readonly taskOf: (id: string) => Task | undefined;
  /** The repair of a problem. */
  readonly repairOf: (problem: string) => Task | undefined;
  readonly classifier: Classifier;
}

/** Attempts that ended without a result of their own say nothing about who is right for a problem. */
const withoutResult: readonly (FailureClass | null | undefined)[] = [
  'conflict',
  'transient',
  'interrupted',
  'precondition',
];

const hourMs = 3_600_000;

/** Hours since Monday, 5 January 1970, 00:00 UTC. */
export function hourOf(instant: number): number {
  return (instant - Date.UTC(1970, 0, 5)) / hourMs;
}

/** The same as an instant, in milliseconds since 1970. */
export function instantOfHour(hour: number): number {
  return Math.round(hour * hourMs + Date.UTC(1970, 0, 5));
}

/** Reads what the queue, the journal and task files remember into one shape. A repair that is a run and an outcome counts once. */
export function pastAttempts(sources: PastSources): readonly PastAttempt[] {
  const { outcomes, runs, files, imported } = sources;
  const views = viewsOf(sources);
  const tasksWithOutcome = new Set(outcomes.map(({ task }) => task));
  const runTimes = Map.groupBy(runs, ({ run }) => `${run.plan.remediator}\n${run.plan.finding.problem ?? ''}`);
  const isRun = ({ handler, problem, claimedAt, endedAt }: TaskOutcome): boolean =>
    (runTimes.get(`${handler}\n${problem}`) ?? []).some(
      ({ run }) => run.endedAt !== null && run.endedAt >= claimedAt && run.endedAt <= endedAt,
    );
  return [
    ...outcomes
      .slice(-mostPast)
      .filter((outcome) => !withoutResult.includes(outcome.class) && !isRun(outcome))
      .map((outcome): PastAttempt => ({
        record: views.ofOutcome(outcome),
        handler: outcome.handler,
        startedAt: hourOf(Date.parse(outcome.claimedAt)),
        at: hourOf(Date.parse(outcome.endedAt)),
        result: outcome.result === 'done' ? 'fixed' : 'failed',
        isVerified: false,
      })),
    ...runs.flatMap(({ run, isSigned }) => runAttempt(run, isSigned, views.ofRun)),
    ...files.filter(({ id }) => !tasksWithOutcome.has(id)).flatMap((file) => fileAttempts(file, views.ofFile(file))),
    ...imported,
  ];
}

function runAttempt(
  run: RunRecord,
  isVerified: boolean,
  viewOf: (run: RunRecord) => RecordView,
): readonly PastAttempt[] {
  const { plan, outcome, startedAt, endedAt, createdAt, failure } = run;
  if (plan.requested === true || endedAt === null || withoutResult.includes(failure?.class)) return [];
  const result = outcome === 'absent' ? 'vanished' : outcome === 'fixed' ? 'fixed' : 'failed';
  if (result === 'failed' && !['rolled-back', 'stuck', 'failed'].includes(outcome ?? '')) return [];
  return [
    {
      record: viewOf(run),
      handler: plan.remediator,
      startedAt: hourOf(Date.parse(startedAt ?? createdAt)),
      at: hourOf(Date.parse(endedAt)),
      result,
      isVerified,
    },
  ];
}

/** The attempts that a task file lists, and its end. How long they took is not known. */
function fileAttempts(file: BacklogEntry, record: RecordView | undefined): readonly PastAttempt[] {
  if (record === undefined) return [];
  const [handler = 'agent'] = record.handlers;
  const attempt = (at: number, result: PastAttempt['result']): PastAttempt => {
    const hour = hourOf(at);
    return { record, handler, startedAt: hour, at: hour, result, isVerified: false };
  };
  const failures = attemptsOf(file).flatMap(({ timestamp, error }) => {
    const at = typeof timestamp === 'string' ? instantOf(timestamp.trim().replace(' ', 'T')) : undefined;
    return at === undefined || at <= 0 || typeof error !== 'string' || error === '' ? [] : [attempt(at, 'failed')];
  });
  const end = file.folder === 'completed' && file.values?.['withdrawn_at'] === undefined ? finishedAt(file) : undefined;
  return end === undefined ? failures : [...failures, attempt(end, 'fixed')];
}

function viewsOf({ taskOf, repairOf, classifier, runs }: PastSources) {
  const views = new Map<string, RecordView>();
  const once = (key: string, make: () => RecordView): RecordView => {
    const view = views.get(key) ?? make();
    views.set(key, view);
    return view;
  };
  const found = findingsOf(runs.map(({ run }) => run));
  return {
    ofOutcome: ({ task: id, problem, kind, handler }: TaskOutcome): RecordView =>
      once(id, () => {
        const task = taskOf(id);
        if (task !== undefined) return viewOfTask(task, classifier, found.get(problem));
        return {
          ...unknownView,
          id: idOf({ problem, kind }),
          topic: topicBy(handler, classifier),
          handlers: [handler],
        };
      }),
    ofFile: ({ id }: BacklogEntry): RecordView | undefined => {
      const task = taskOf(id);
      return task === undefined ? undefined : once(id, () => viewOfTask(task, classifier, found.get(task.problem)));
    },
    ofRun: ({ plan: { remediator, finding } }: RunRecord): RecordView =>
      once(`run ${finding.id}`, () => {
        const task = finding.problem === null ? undefined : repairOf(finding.problem);
        const view =
          task === undefined
            ? { ...unknownView, id: finding.problem ?? finding.id, topic: topicBy(remediator, classifier) }
            : viewOfTask(task, classifier, finding);
        const { instance, kind } = finding;
        return { ...view, ...serverIn(finding.summary, view), instance, finding: kind, handlers: [remediator] };
      }),
  };
}

/** What is assumed of a task that nothing but its outcome tells of. */
const unknownView: Omit<RecordView, 'id' | 'topic'> = {
  kind: 'active',
  class: 'other',
  finding: '',
  instance: '',
  image: '',
  postgres: 0,
  estimates: { impact: 5, urgency: 'medium', successProb: 0.5, resourceCost: 'moderate', provenance: 'derived' },
  handlers: ['agent'],
  pattern: null,
  openedAt: 0,
};

/** The latest finding about each problem. Runs come newest first. */
export function findingsOf(
  runs: readonly RunRecord[],
): ReadonlyMap<string, { readonly kind: string; readonly instance: string }> {
  const findings = new Map<string, { readonly kind: string; readonly instance: string }>();
  for (const { plan } of runs) {
    const { problem, kind, instance } = plan.finding;
    if (problem !== null && !findings.has(problem)) findings.set(problem, { kind, instance });
  }
  return findings;
}

/** A task as what is learned sees it. Who could take it: its handler first, then an agent and you, unless it is yours alone. */
export function viewOfTask(
  task: Task,
  classifier: Classifier,
  finding?: { readonly kind: string; readonly instance: string },
): RecordView {
  const { estimates, handler, automation, description, title } = task;
  const others = automation === 'human' ? [] : ['agent', 'person'].filter((other) => other !== handler);
  const isRepairing = isRepairKind(task);
  const topic = topicBy(handler, classifier) || classifier.bestRule(wordsOf(title))?.topic || task.class;
  return {
    ...unknownView,
    ...serverIn(`${title}\n${description}`.slice(0, 4_000), unknownView),
    id: idOf(task),
    class: task.class,
    topic: isRepairing ? topic : `${task.kind} of ${topic}`,
    finding: isRepairing ? (finding?.kind ?? '') : '',
    instance: finding?.instance ?? '',
    estimates: {
      impact: estimates.impact.value,
      urgency: estimates.urgency.value,
      successProb: estimates.successProb.value,
      resourceCost: estimates.resourceCost.value,
      provenance: estimates.successProb.provenance === 'stated' ? 'stated' : 'derived',
    },
    handlers: [handler, ...others],
  };
}

function topicBy(handler: string, { rules }: Classifier): string {
  return rules.find(({ remediator }) => remediator === handler)?.topic ?? '';
}

/** Repairs of a problem are one thing; what is written or watched about it is another. */
function idOf(task: Pick<Task, 'problem' | 'kind'>): string {
  return isRepairKind(task) ? task.problem : `${task.problem} (${task.kind})`;
}

export function isRepairKind({ kind }: Pick<Task, 'kind'>): boolean {
  return kind === 'resolution' || kind === 'investigation';
}

const versionText = /\bpostgres(?:ql)?(?: |:| version )v?(\d{1,2})\b/i;
const imageText =
  /\b((?:[\w.-]{1,60}\/){0,2}[\w.-]{0,40}(?:postgres|postgis|timescale|pgvector)[\w-]{0,40}):[\w][\w.-]/i;

/** The image and the major version that a text names. */
function serverIn(
  text: string,
  otherwise: Pick<RecordView, 'image' | 'postgres'>,
): Pick<RecordView, 'image' | 'postgres'> {
  const version = Number(versionText.exec(text)?.[1] ?? 0);
  return {
    image: imageText.exec(text)?.[1] ?? otherwise.image,
    postgres: version >= 7 ? version : otherwise.postgres,
  };
}
