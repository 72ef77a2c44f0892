import { h } from 'preact';
import { useState } from 'preact/hooks';
import type { JobView, ServiceView } from '../../service/types.ts';
import type { Answers } from '../answers.ts';
import { post } from '../client.ts';
import {
  action,
  ago,
  type Content,
  empty,
  facts,
  failed,
  foreign,
  html,
  mark,
  panel,
  skeleton,
  state,
  table,
  time,
} from '../elements.ts';
import { capital, count, words } from '../format.ts';
import { mayApprove, refresh, useAnswer, useView } from '../live.ts';
import { frame } from '../routes.ts';

function jobState({ schedule, lastStartedAt, lastEndedAt, lastFailure }: JobView): Content {
  if (schedule === 'off') return state('quiet', 'off');
  if (lastStartedAt !== null && (lastEndedAt === null || lastEndedAt < lastStartedAt)) return state('busy', 'running');
  if (lastFailure !== null) return html`${state('down', 'failed')} <span class="note">${foreign(lastFailure)}</span>`;
  return lastStartedAt === null ? state('quiet', 'not yet') : state('up', 'ended well');
}

function jobs(all: readonly JobView[]): Content {
  return panel(
    'Schedules',
    table(
      'Schedules with their last and next run',
      ['Job', 'When', 'Last', 'Result', 'Next (UTC)'],
      all.map((job) => [
        capital(words(job.name)),
        html`<code>${job.schedule}</code>`,
        ago(job.lastStartedAt),
        jobState(job),
        time(job.nextAt),
      ]),
    ),
  );
}

function deliveries(all: ServiceView['deliveries']): Content {
  if (all.length === 0)
    return panel(
      'Deliveries',
      empty('No alert was sent yet.', html`Channels are listed under <code>service.alerts</code>.`),
    );
  return panel(
    'Deliveries',
    html`<ul class="lines">
      ${all.map(
        ({ at, channel, alerts, attempts, failure }) =>
          html`<li>
            ${state(failure === null ? 'up' : 'down', failure === null ? 'accepted' : 'failed')}<span class="grow"
              ><b>${foreign(channel)}</b>
              <span class="note"
                >${count(alerts, 'alert')},
                ${count(attempts, 'try', 'tries')}${failure === null ? null : html`: ${foreign(failure)}`}</span
              ></span
            ><span class="note">${ago(at)}</span>
          </li>`,
      )}
    </ul>`,
  );
}

function firing({ alerts: all }: ServiceView): Content {
  const open = all.filter(({ state: now }) => now !== 'resolved');
  if (open.length === 0) return panel('Alerts', empty('No alert fires.'));
  return panel(
    'Alerts',
    html`<ul class="lines">
      ${open.map(
        (one) =>
          html`<li>
            ${one.state === 'firing' ? state('down', 'fires') : state('quiet', 'held back')}<span class="grow"
              ><b>${one.name}</b>
              <span class="note"
                >${foreign(one.summary)}${one.acknowledged === null ? null : html` Acknowledged by ${foreign(one.acknowledged.by)}.`}</span
              ></span
            ><span class="note">${ago(one.startsAt)}</span>
          </li>`,
      )}
    </ul>`,
  );
}

function tokens(all: Answers['GET /service']['tokens']): Content {
  if (all.length === 0) return panel('Tokens', empty('No token was made.'));
  return panel(
    'Tokens',
    table(
      'Tokens',
      ['Name', 'Scope', 'Made', 'Last used'],
      all.map(({ name, scope, createdAt, lastUsedAt }) => [foreign(name), scope, ago(createdAt), ago(lastUsedAt)]),
    ),
    { note: html`made and removed with <code>problems tokens</code>` },
  );
}

function policy(lines: readonly string[]): Content {
  return panel(
    'Policy',
    lines.length === 0
      ? empty('No setting of remediation differs from the defaults.')
      : html`<pre class="said" tabindex="0"><bdi>${lines.join('\n')}</bdi></pre>`,
    { note: 'what may run, as the config says' },
  );
}

function Pause({ paused }: { readonly paused: string | null }): Content {
  const [reason, setReason] = useState('');
  if (paused !== null)
    return action({
      label: 'Let repairs run again',
      act: async () => {
        await post('POST /pause', [], { paused: false });
        await refresh();
        return 'Repairs may run';
      },
    });
  return html`<div class="acts">
    <label class="field grow"
      ><span>Reason to pause all repairs</span
      ><input
        type="text"
        maxlength="500"
        value=${reason}
        onInput=${(event: { currentTarget: HTMLInputElement }) => setReason(event.currentTarget.value)}
    /></label>
    ${action({
      label: 'Pause repairs',
      disabled: reason.trim() === '',
      act: async () => {
        await post('POST /pause', [], { paused: true, reason });
        await refresh();
        return 'Repairs are paused';
      },
    })}
  </div>`;
}

function about(view: ServiceView, may: boolean): Content {
  return panel(
    'Repairs',
    html`<p>
        ${view.paused === null ? state('up', 'not paused') : html`${state('found', 'paused')} <span>${foreign(view.paused)}</span>`}${view.readOnly ? html` ${state('quiet', 'read-only')}` : null}
      </p>
      ${may ? h(Pause, { paused: view.paused }) : null}`,
  );
}

function engines({ engines: all }: ServiceView): Content {
  return panel(
    'Engines',
    html`<ul class="lines">
      ${all.map(
        ({ name, address, reachable, reason, checkedAt }) =>
          html`<li>
            ${state(reachable ? 'up' : 'down', reachable ? 'answers' : 'does not answer')}<span class="grow"
              ><b>${foreign(name)}</b> <code><bdi>${address}</bdi></code
              >${reason === null ? null : html` <span class="note">${foreign(reason)}</span>`}</span
            ><span class="note">${ago(checkedAt)}</span>
          </li>`,
      )}
    </ul>`,
  );
}

export function Service(): Content {
  const { view, session } = useView();
  const { answer, failure, again } = useAnswer('GET /service', { live: true });
  const { lastRound, creations } = view;
  const rest =
    answer !== undefined
      ? html`<div class="two">${tokens(answer.tokens)}${policy(answer.policy)}</div>`
      : failure === undefined
        ? skeleton(4)
        : failed(failure, again);
  return frame(
    'Service',
    html`Version ${view.version}, ${view.state} since ${ago(view.startedAt)}`,
    html`${
        lastRound?.failure === null || lastRound === null
          ? null
          : html`<p class="banner bad">
              ${mark('down')}<span><b>The last full round failed.</b> ${foreign(lastRound.failure)}</span>
            </p>`
      }
      ${jobs(view.jobs)}
      <div class="two">${about(view, mayApprove(session, view))}${engines(view)}</div>
      <div class="two">${firing(view)}${deliveries(view.deliveries)}</div>
      ${rest}
      ${panel(
        'Seen so far',
        facts([
          ['Containers that started', String(creations.started)],
          ['Containers that failed to', String(creations.failed)],
          [
            'Last full round',
            lastRound === null
              ? 'none'
              : html`${ago(lastRound.startedAt)}: ${count(lastRound.findings, 'finding')},
                ${count(lastRound.notLookedAt, 'check')} could not run`,
          ],
        ]),
      )}`,
  );
}
