import { h } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ServiceView, TrackedFinding } from '../../service/types.ts';
import { post } from '../client.ts';
import {
  action,
  ago,
  type Content,
  empty,
  failed,
  foreign,
  html,
  skeleton,
  state,
  time,
  severity,
} from '../elements.ts';
import { evidenceList } from '../evidence.ts';
import { capital, count, words } from '../format.ts';
import { mayAsk, serverNow, useAnswer, useView } from '../live.ts';
import { addressOf, frame, instanceLink, link } from '../routes.ts';
import { proposal } from './plan.ts';

/** What follows if you do nothing. */
function nextStep(one: TrackedFinding, view: ServiceView): Content {
  if (one.goneAt !== null) return html`gone ${ago(one.goneAt)}`;
  const run = view.openRuns.find(({ plan }) => plan.finding.id === one.finding.id);
  if (run?.outcome === 'stuck') return link('its repair is stuck', 'runs', run.id);
  if (run?.phase === 'awaiting-approval') return link('its repair waits for your approval', 'waiting');
  if (run !== undefined) return link('it is being repaired', 'runs', run.id);
  if (one.silencedUntil !== null && Date.parse(one.silencedUntil) > serverNow())
    return html`silent until ${time(one.silencedUntil)} UTC`;
  if (view.paused !== null) return 'repairs are paused';
  const repair = view.jobs.find(({ name }) => name === 'remediate');
  if (repair !== undefined && repair.schedule !== 'off' && repair.nextAt !== null)
    return html`repair is tried at ${time(repair.nextAt)} UTC`;
  return 'repaired only on request';
}

const silences = [
  ['1 hour', 3_600_000],
  ['8 hours', 28_800_000],
  ['3 days', 259_200_000],
] as const;

/** The reason of those who give none. */
const unsaid = 'Asked for on the page.';

function Acts({ one }: { readonly one: TrackedFinding }): Content {
  const [text, setText] = useState('');
  const [silence, setSilence] = useState(0);
  const { id } = one.finding;
  return html`<div class="acts">
    <label class="field grow"
      ><span>Reason or comment</span
      ><input
        type="text"
        maxlength="500"
        value=${text}
        onInput=${(event: { currentTarget: HTMLInputElement }) => setText(event.currentTarget.value)}
    /></label>
    ${action({
      label: 'Ask for repair',
      strong: true,
      act: async () => {
        const { run, refusal } = await post('POST /remediations', [], {
          finding: id,
          reason: text.trim() || unsaid,
          engine: one.engine,
        });
        if (run === null) throw new Error(refusal ?? 'There is nothing to repair.');
        location.hash = addressOf('runs', run.id);
        return 'The run has begun';
      },
    })}
    ${action({
      label: 'Acknowledge',
      disabled: one.acknowledged !== null,
      act: async () => {
        await post('POST /findings/ack', [], { finding: id, comment: text.trim() || unsaid, engine: one.engine });
        return 'Acknowledged';
      },
    })}
    <label class="field"
      ><span>Silence for</span
      ><select
        value=${silence}
        onChange=${(event: { currentTarget: HTMLSelectElement }) => setSilence(event.currentTarget.selectedIndex)}
      >
        ${silences.map(([label], index) => html`<option value=${index}>${label}</option>`)}
      </select></label
    >
    ${action({
      label: 'Silence',
      act: async () => {
        const until = new Date(serverNow() + (silences[silence]?.[1] ?? 0)).toISOString();
        await post('POST /findings/silence', [], { finding: id, until, engine: one.engine });
        return 'Silent';
      },
    })}
  </div>`;
}

function Details({ one, may }: { readonly one: TrackedFinding; readonly may: boolean }): Content {
  return html`<div class="inside">
    <h2 class="sub">Evidence</h2>
    ${evidenceList(one.finding.evidence)}
    ${one.acknowledged === null ? null : html`<p class="note">Acknowledged by ${foreign(one.acknowledged.by)} ${ago(one.acknowledged.at)}: ${foreign(one.acknowledged.comment)}</p>`}
    ${
      one.goneAt === null
        ? html`<h2 class="sub">What a repair would do</h2>
            ${h(Proposal, { one })}${may ? h(Acts, { one }) : null}`
        : null
    }
  </div>`;
}

function Proposal({ one }: { readonly one: TrackedFinding }): Content {
  const { answer, failure, again } = useAnswer('GET /plans', {
    query: { finding: one.finding.id, engine: one.engine },
  });
  if (answer !== undefined) return proposal(answer);
  return failure === undefined ? skeleton(2) : failed(failure, again);
}

interface RowProps {
  readonly one: TrackedFinding;
  readonly view: ServiceView;
  readonly may: boolean;
  /** Its address was followed. */
  readonly wanted: boolean;
}

function Row({ one, view, may, wanted }: RowProps): Content {
  const [open, setOpen] = useState(wanted);
  useEffect(() => setOpen(wanted), [wanted]);
  const { finding } = one;
  const notes = [
    words(finding.remediator),
    ...(one.recurrences > 0 ? [`came back ${count(one.recurrences, 'time')}`] : []),
    ...(one.acknowledged === null ? [] : ['acknowledged']),
  ];
  return html`<li>
    <details
      class="row"
      open=${open}
      onToggle=${(event: { currentTarget: HTMLDetailsElement }) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <span class="rank">${one.goneAt === null ? severity(one.severity) : state('quiet', 'gone')}</span>
        <span class="what"
          ><b>${foreign(finding.summary)}</b
          ><span class="note">${foreign(finding.instance)} · ${notes.join(' · ')}</span></span
        >
        <span class="note">first seen ${ago(one.firstSeen)}</span>
      </summary>
      <p class="next">
        <span>Instance ${instanceLink({ engine: one.engine, instance: finding.instance })}</span
        >${finding.problem === null ? null : html`<span>Problem ${link(foreign(finding.problem), 'registry', finding.problem)}</span>`}<span
          >Next: ${nextStep(one, view)}</span
        >
      </p>
      ${open ? h(Details, { one, may }) : null}
    </details>
  </li>`;
}

function filters(
  shown: 'open' | 'gone',
  setShown: (value: 'open' | 'gone') => void,
  names: readonly string[],
  instance: string,
  setInstance: (value: string) => void,
): Content {
  return html`<div class="filters">
    <div class="switch" role="group" aria-label="Which findings">
      ${(['open', 'gone'] as const).map(
        (one) =>
          html`<button type="button" aria-pressed=${shown === one ? 'true' : 'false'} onClick=${() => setShown(one)}>
            ${capital(one)}
          </button>`,
      )}
    </div>
    <label class="field"
      ><span class="hidden">Instance</span
      ><select
        value=${instance}
        onChange=${(event: { currentTarget: HTMLSelectElement }) => setInstance(event.currentTarget.value)}
      >
        <option value="">All instances</option>
        ${names.map((name) => html`<option value=${name}>${name}</option>`)}
      </select></label
    >
  </div>`;
}

const noneShown = {
  open: ['No finding is open.', 'The next full round checks again.'],
  gone: ['Nothing has gone yet.', 'A finding is gone when a later check no longer finds it.'],
} as const;

export function Findings({ parameters }: { readonly parameters: readonly string[] }): Content {
  const { view, session } = useView();
  const [shown, setShown] = useState<'open' | 'gone'>('open');
  const [instance, setInstance] = useState('');
  const history = useAnswer('GET /findings', { query: { state: 'gone' }, live: true });
  const open = view.findings.filter(({ goneAt }) => goneAt === null);
  const gone = history.answer ?? [];
  const names = [...new Set([...open, ...gone].map(({ finding }) => finding.instance))].toSorted();
  const rows = (shown === 'open' ? open : gone).filter(
    ({ finding }) => instance === '' || finding.instance === instance,
  );
  const may = mayAsk(session, view);
  return frame(
    'Findings',
    open.length === 0
      ? 'Nothing is wrong, as far as it was checked'
      : `${count(open.length, 'finding')} open, the most severe first`,
    html`${filters(shown, setShown, names, instance, setInstance)}
    ${
      rows.length === 0
        ? empty(noneShown[shown][0], noneShown[shown][1])
        : html`<ul class="rows">
            ${rows.map((one) =>
              h(Row, {
                key: `${one.engine} ${one.finding.id} ${one.goneAt ?? ''}`,
                one,
                view,
                may,
                wanted: one.finding.id === parameters[0],
              }),
            )}
          </ul>`
    }`,
  );
}
