import type { RunRecord } from '../../remediation/store/store.ts';
import type { RunAnswer } from '../../service/api.ts';
import type { ServiceView } from '../../service/types.ts';
import { post } from '../client.ts';
import {
  action,
  ago,
  behind,
  type Content,
  empty,
  facts,
  failed,
  foreign,
  html,
  panel,
  skeleton,
  state,
  time,
  type Tone,
} from '../elements.ts';
import { evidenceList } from '../evidence.ts';
import { count, duration, words } from '../format.ts';
import { mayApprove, useAnswer, useView } from '../live.ts';
import { frame, instanceLink, link } from '../routes.ts';
import { stepList } from './plan.ts';

const outcomes: Readonly<Record<NonNullable<RunRecord['outcome']>, Tone>> = {
  fixed: 'up',
  absent: 'quiet',
  planned: 'unknown',
  'awaiting-approval': 'found',
  'rolled-back': 'unknown',
  stuck: 'down',
  failed: 'down',
};

/** How a run ended, or the phase that it is in. */
export function outcomeOf({ phase, outcome }: Pick<RunRecord, 'phase' | 'outcome'>): {
  readonly tone: Tone;
  readonly text: string;
} {
  if (phase === 'awaiting-approval') return { tone: 'found', text: 'waits for approval' };
  if (phase !== 'ended' && phase !== 'planned') return { tone: 'busy', text: phase };
  return outcome === null ? { tone: 'quiet', text: phase } : { tone: outcomes[outcome], text: words(outcome) };
}

/** A run names its instance alone; the engine is that of the first instance with this name. */
export function engineOf({ plan }: RunRecord, view: ServiceView | null): string {
  return view?.instances.find(({ instance }) => instance === plan.target.instance)?.engine ?? 'local';
}

const moments: Readonly<Record<RunAnswer['timeline'][number]['state'], Tone>> = {
  done: 'up',
  running: 'busy',
  failed: 'down',
  undone: 'unknown',
};

function timeline({ timeline: moves, run }: RunAnswer): Content {
  if (moves.length === 0)
    return empty(
      run.phase === 'awaiting-approval' ? 'It has not begun.' : 'Nothing has been done yet.',
      'Steps appear here as they happen.',
    );
  return html`<ol class="timeline">
    ${moves.map(
      ({ at, what, seconds, state: now }) =>
        html`<li class=${now}>
          ${state(moments[now], now)}<span class="grow">${foreign(what)}</span
          ><span class="note">${seconds === null ? null : html`${duration(seconds)} · `}${time(at)}</span>
        </li>`,
    )}
  </ol>`;
}

function verification({ verification: checks }: RunAnswer): Content {
  if (checks.length === 0)
    return empty('Nothing has been verified yet.', 'A run is fixed only when its verification passes.');
  return html`<ul class="lines">
    ${checks.map(
      ({ what, passed }) =>
        html`<li>
          ${state(passed ? 'up' : 'down', passed ? 'passed' : 'failed')}<span class="grow">${foreign(what)}</span>
        </li>`,
    )}
  </ul>`;
}

function audit({ run }: RunAnswer): Content {
  const { approvedBy, decision, startedAt, endedAt, downtimeMs } = run;
  return facts([
    ['Approved by', approvedBy === null ? 'not approved' : foreign(approvedBy)],
    ['Decided by', foreign(decision.source)],
    ['Planned', html`${time(run.createdAt)}, ${ago(run.createdAt)}`],
    ['Begun', startedAt === null ? 'not yet' : html`${time(startedAt)}, ${ago(startedAt)}`],
    ['Ended', endedAt === null ? 'not yet' : html`${time(endedAt)}, ${ago(endedAt)}`],
    ['Downtime', downtimeMs === null ? 'not measured' : duration(downtimeMs / 1000)],
    ['Run', html`<code>${run.id}</code>`],
  ]);
}

const rollable: readonly RunRecord['outcome'][] = ['fixed', 'stuck'];

function lead({ run }: RunAnswer, view: ServiceView | null): Content {
  const { approvedBy } = run;
  const who = approvedBy === null ? '' : html` · approved by ${foreign(approvedBy)}`;
  return html`${instanceLink({ engine: engineOf(run, view), instance: run.plan.target.instance })} ·
  ${outcomeOf(run).text}${who}`;
}

/** One run as it happens. What it does is read out; the list itself is not, since it changes too often. */
export function Run({ parameters }: { readonly parameters: readonly string[] }): Content {
  const { view, session, said } = useView();
  const { answer, failure, again } = useAnswer('GET /runs/:id', { parameters, live: true });
  if (answer === undefined) return frame('Run', null, failure === undefined ? skeleton(6) : failed(failure, again));
  const { run, dossier } = answer;
  const { tone, text } = outcomeOf(run);
  const may = mayApprove(session, view);
  return frame(
    foreign(run.plan.summary),
    lead(answer, view),
    html`<p class="hidden" role="status" aria-live="polite">${said}</p>
      <p class="verdict">
        ${state(tone, text)}${run.failure === null ? null : html` <span>${foreign(run.failure.message)}</span>`}
      </p>
      ${run.phase === 'awaiting-approval' ? html`<p>${link('Decide about it', 'waiting')}</p>` : null}
      <div class="two">
        ${panel('Timeline', timeline(answer), { note: 'UTC' })}
        <div class="stack">${panel('Verification', verification(answer))}${panel('Audit', audit(answer))}</div>
      </div>
      ${panel(
        'Plan',
        html`<p class="about">${foreign(run.plan.finding.summary)}</p>
          ${stepList(answer.steps)}
          <p class="note">Undo: ${foreign(run.plan.undo)}</p>
          ${behind('Evidence', evidenceList(run.plan.finding.evidence))}`,
      )}
      ${dossier === null ? null : panel('Dossier', html`<pre class="dossier" tabindex="0"><bdi>${dossier}</bdi></pre>`, { note: 'what was seen, tried and left behind' })}`,
    may && run.phase === 'ended' && rollable.includes(run.outcome)
      ? action({
          label: 'Roll back',
          act: async () => {
            await post('POST /runs/:id/rollback', [run.id]);
            return 'The undo has begun';
          },
        })
      : undefined,
  );
}

export function Runs(): Content {
  const { answer, failure, again } = useAnswer('GET /runs', { live: true });
  if (answer === undefined) return frame('Runs', null, failure === undefined ? skeleton(6) : failed(failure, again));
  const open = answer.filter(({ phase }) => phase !== 'ended').length;
  return frame(
    'Runs',
    open === 0 ? 'No repair is running' : `${count(open, 'run')} not ended`,
    answer.length === 0
      ? empty('No repair has run yet.', 'Ask for one from a finding, or with problems remediate.')
      : panel(
          'Newest first',
          html`<ul class="lines">
            ${answer.map((run) => {
              const { tone, text } = outcomeOf(run);
              return html`<li>
                ${state(tone, text)}<span class="grow"
                  >${link(foreign(run.plan.summary), 'runs', run.id)}<span class="note">
                    ${foreign(run.plan.target.instance)}</span
                  ></span
                ><span class="note">${ago(run.createdAt)}</span>
              </li>`;
            })}
          </ul>`,
        ),
  );
}
