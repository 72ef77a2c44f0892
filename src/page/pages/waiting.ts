import { h } from 'preact';
import { useState } from 'preact/hooks';
import type { RunRecord } from '../../remediation/store/store.ts';
import type { RunAnswer } from '../../service/api.ts';
import type { ServiceView } from '../../service/types.ts';
import { get, post, RequestFailed } from '../client.ts';
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
  mark,
  sentences,
  skeleton,
  state,
} from '../elements.ts';
import { evidenceList } from '../evidence.ts';
import { count, duration } from '../format.ts';
import { mayApprove, refresh, useAnswer, useView, waitingRuns } from '../live.ts';
import { addressOf, frame, instanceLink, link } from '../routes.ts';
import { engineOf } from './runs.ts';
import { difference, stepList } from './plan.ts';

type State =
  | { readonly at: 'ready' | 'sending' }
  | { readonly at: 'failed'; readonly text: string }
  /** The plan is not the one that was shown: what it was then. */
  | { readonly at: 'changed'; readonly before: RunAnswer };

const despiteWords: Readonly<Record<string, string>> = {
  damage: 'Data of this instance may be damaged.',
  failures: 'Earlier repairs of this did not help.',
  suspension: 'Repairs of this instance are suspended.',
};

interface DecideProps {
  readonly shown: RunAnswer;
  /** Replaces what is shown by the plan of now. */
  readonly show: (answer: RunAnswer) => void;
}

/** Approve and refuse. An approval names the plan that was shown, so a plan that has changed meanwhile is never approved. */
function Decide({ shown, show }: DecideProps): Content {
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState('');
  const [now, setNow] = useState<State>({ at: 'ready' });
  const { id } = shown.run;
  const { instance } = shown.run.plan.target;
  const guarded = shown.despite.length > 0;
  const approve = async () => {
    setNow({ at: 'sending' });
    try {
      await post('POST /runs/:id/approve', [id], { planDigest: shown.digest, despite: shown.despite });
      location.hash = addressOf('runs', id);
    } catch (error) {
      if (!(error instanceof RequestFailed) || error.code !== 'plan-changed') {
        setNow({ at: 'failed', text: sentences(error) });
        return;
      }
      try {
        show(await get('GET /runs/:id', [id]));
        setNow({ at: 'changed', before: shown });
      } catch (again) {
        setNow({ at: 'failed', text: sentences(again) });
      }
    }
  };
  const refuse = async () => {
    await post('POST /runs/:id/refuse', [id], { reason });
    await refresh();
    return 'Refused';
  };
  return html`<div class="decide">
    <div role="status" class="outcome">
      ${now.at === 'failed' ? state('down', now.text) : null}${
        now.at === 'changed'
          ? html`<div class="banner warn">
              ${mark('found')}
              <div>
                <b>Nothing was approved: the plan has changed since it was shown.</b> Check what is different, then
                approve it again.${difference(now.before.steps, shown.steps)}
              </div>
            </div>`
          : null
      }
    </div>
    ${
      guarded
        ? html`<div class="overrule">
            <p>This overrules:</p>
            <ul>
              ${shown.despite.map((one) => html`<li>${despiteWords[one] ?? foreign(one)}</li>`)}
            </ul>
            <label class="field"
              ><span
                >Type <b><bdi>${instance}</bdi></b> to approve it all the same</span
              ><input
                type="text"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                value=${typed}
                onInput=${(event: { currentTarget: HTMLInputElement }) => setTyped(event.currentTarget.value)}
            /></label>
          </div>`
        : null
    }
    <div class="acts">
      <button
        type="button"
        class="strong"
        disabled=${now.at === 'sending' || (guarded && typed !== instance)}
        onClick=${approve}
      >
        ${now.at === 'sending' ? 'Approving' : `Approve for ${instance}`}
      </button>
      <label class="field grow"
        ><span>Reason to refuse</span
        ><input
          type="text"
          maxlength="500"
          value=${reason}
          onInput=${(event: { currentTarget: HTMLInputElement }) => setReason(event.currentTarget.value)}
      /></label>
      ${action({ label: 'Refuse', disabled: reason.trim() === '', act: refuse })}
    </div>
  </div>`;
}

function planFacts({ plan, decision }: RunRecord): Content {
  const why = [...(decision.holds ?? []).map((hold) => hold.reason), ...decision.reasons];
  return facts([
    [
      'Why it waits',
      html`<ul class="plain">
        ${[...new Set(why)].map((one) => html`<li>${foreign(one)}</li>`)}
      </ul>`,
    ],
    [
      'Downtime',
      plan.downtime.seconds === 0
        ? 'none'
        : html`about ${duration(plan.downtime.seconds)}: ${foreign(plan.downtime.why)}`,
    ],
    ['If it fails', foreign(plan.undo)],
    ...(plan.unpredictable.length === 0
      ? []
      : [
          [
            'Not predictable',
            html`<ul class="plain">
              ${plan.unpredictable.map((one) => html`<li>${foreign(one)}</li>`)}
            </ul>`,
          ] as const,
        ]),
  ]);
}

function Card({
  run,
  view,
  may,
}: {
  readonly run: RunRecord;
  readonly view: ServiceView;
  readonly may: boolean;
}): Content {
  const { answer: first, failure, again } = useAnswer('GET /runs/:id', { parameters: [run.id] });
  const [newer, show] = useState<RunAnswer | undefined>(undefined);
  const shown = newer ?? first;
  const { plan } = run;
  return html`<article class="panel card" aria-labelledby=${`run-${run.id}`}>
    <header>
      <h2 id=${`run-${run.id}`}>${foreign(plan.summary)}</h2>
      <p class="note">
        ${instanceLink({ engine: engineOf(run, view), instance: plan.target.instance })} · asked ${ago(run.createdAt)} ·
        ${link('run', 'runs', run.id)}
      </p>
    </header>
    <p>${foreign(plan.finding.summary)}</p>
    ${planFacts(run)}
    <h3>Plan</h3>
    ${shown !== undefined ? stepList(shown.steps) : failure === undefined ? skeleton(2) : failed(failure, again)}
    ${behind('Evidence', evidenceList(plan.finding.evidence))}
    ${may && shown !== undefined ? h(Decide, { shown, show }) : null}
  </article>`;
}

function stuckCard(run: RunRecord, view: ServiceView): Content {
  return html`<article class="panel card" aria-labelledby=${`run-${run.id}`}>
    <header>
      <h2 id=${`run-${run.id}`}>${foreign(run.plan.summary)}</h2>
      <p class="note">
        ${instanceLink({ engine: engineOf(run, view), instance: run.plan.target.instance })} ·
        ${ago(run.endedAt ?? run.createdAt)}
      </p>
    </header>
    <p>${state('down', 'stuck')} ${run.failure === null ? null : foreign(run.failure.message)}</p>
    <p>
      Neither the repair nor its undo could be completed. ${link('Read what happened and what to do', 'runs', run.id)}
    </p>
  </article>`;
}

export function Waiting(): Content {
  const { view, session } = useView();
  const runs = waitingRuns(view);
  const may = mayApprove(session, view);
  const lead =
    runs.length === 0 ? 'There is nothing to decide' : `${count(runs.length, 'repair')} cannot go on without you`;
  const why = view.readOnly
    ? 'This service is read-only.'
    : 'Your token may not approve; one with the scope approve may.';
  return frame(
    'Waiting for you',
    runs.length === 0 || may ? lead : `${lead}. ${why}`,
    runs.length === 0
      ? empty(
          'No run waits for approval, and none is stuck.',
          html`Repairs that need you appear here. ${link('Findings', 'findings')} lists what could be repaired.`,
        )
      : html`<div class="cards">
          ${runs.map((run) => (run.outcome === 'stuck' ? stuckCard(run, view) : h(Card, { key: run.id, run, view, may })))}
        </div>`,
  );
}
