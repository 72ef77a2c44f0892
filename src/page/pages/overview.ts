import { h } from 'preact';
import type { EngineView, InstanceView, ServiceView } from '../../service/types.ts';
import { availability, cellsOf, strip, stripLegend } from '../charts/strip.ts';
import { post } from '../client.ts';
import { action, ago, type Content, empty, foreign, html, mark, panel, state, time, type Tone } from '../elements.ts';
import { bytes, count } from '../format.ts';
import { mayAsk, serverNow, summaryOfInstances, useAnswer, useView, waitingRuns } from '../live.ts';
import { addressOf, frame, instanceLink } from '../routes.ts';

function nextRound({ jobs, runningRound }: ServiceView): Content {
  if (runningRound !== null) return 'checking everything now';
  const next = jobs.find(({ name }) => name === 'full-round')?.nextAt ?? null;
  return next === null ? 'no full round is planned' : html`next full round ${time(next)} UTC`;
}

/** The state of an instance by its shape; findings count, but they do not make it down. */
export function toneOf({ status }: InstanceView, findings: number): Tone {
  if (status !== 'up') return status;
  return findings > 0 ? 'found' : 'up';
}

export function wordOf({ status }: InstanceView, findings: number): string {
  if (status === 'unknown') return 'not checked';
  return findings > 0 ? `${status}, ${count(findings, 'finding')}` : status;
}

function openFindings(view: ServiceView, { engine, instance }: InstanceView): number {
  return view.findings.filter(
    (one) => one.goneAt === null && one.engine === engine && one.finding.instance === instance,
  ).length;
}

function tile(label: string, figure: Content, note: Content, tone: Tone, page: string): Content {
  return html`<li>
    <a class="tile" href=${addressOf(page)}>
      <span class="label">${label}</span>
      <span class="figure">${mark(tone)}<span>${figure}</span></span>
      <span class="note">${note}</span>
    </a>
  </li>`;
}

function backupTile(view: ServiceView): Content {
  const label = 'Oldest proven backup';
  if (view.backups.length === 0) return tile(label, '–', 'no backup was found', 'unknown', 'backups');
  const verdicts = view.backups.map(({ verdict }) => verdict);
  const without = verdicts.filter(({ ageHours }) => ageHours === null).length;
  const oldest = verdicts.reduce((a, b) => ((b.ageHours ?? -1) > (a.ageHours ?? -1) ? b : a));
  const late = (oldest.ageHours ?? 0) > oldest.rpoHours;
  const note = without === 0 ? `${oldest.rpoHours} h are allowed` : `${count(without, 'instance')} without one`;
  const figure = oldest.ageHours === null ? 'none' : `${oldest.ageHours} h`;
  return tile(label, figure, note, without > 0 || late ? 'found' : 'up', 'backups');
}

function memoryTile({ engines }: ServiceView): Content {
  const known = engines.flatMap(({ budget }) => budget ?? []);
  if (known.length === 0) return tile('Memory left', '–', 'known after a full round', 'unknown', 'memory');
  const least = known.reduce((a, b) => (b.left < a.left ? b : a));
  const note = least.within ? `of ${bytes(least.budget)} for containers` : 'the limits promise more than there is';
  return tile('Memory left', bytes(least.left), note, least.within ? 'up' : 'found', 'memory');
}

/** Nothing is wrong only where every check could run. */
function noFindings({ instances, unchecked }: ServiceView): Content {
  const blind = unchecked.length;
  const note = blind === 0 ? 'nothing is wrong' : `${count(blind, 'instance')} not checked in full`;
  return tile('Open findings', 0, note, blind === 0 && instances.length > 0 ? 'up' : 'unknown', 'findings');
}

function tiles(view: ServiceView): Content {
  const waiting = waitingRuns(view);
  const stuck = waiting.filter(({ outcome }) => outcome === 'stuck').length;
  const open = view.findings.filter(({ goneAt }) => goneAt === null);
  const fresh = open.filter(({ acknowledged }) => acknowledged === null).length;
  const asked = waiting.length === 0 ? 'nothing to decide' : 'repairs to approve';
  return html`<ul class="tiles">
    ${tile('Waiting for you', waiting.length, stuck > 0 ? `${stuck} of them stuck` : asked, waiting.length === 0 ? 'up' : 'found', 'waiting')}
    ${open.length === 0 ? noFindings(view) : tile('Open findings', open.length, `${fresh} not acknowledged`, 'found', 'findings')}
    ${backupTile(view)} ${memoryTile(view)}
  </ul>`;
}

/** By the hour, so that the address of the request stays the same for a while. */
function dayAgo(): string {
  const hour = 3_600_000;
  return new Date(Math.floor(serverNow() / hour) * hour - 24 * hour).toISOString();
}

function Row({ one, findings }: { readonly one: InstanceView; readonly findings: number }): Content {
  const { answer } = useAnswer('GET /instances/:engine/:name', {
    parameters: [one.engine, one.instance],
    query: { since: dayAgo() },
    live: true,
  });
  const cells = cellsOf(answer?.samples ?? [], serverNow());
  return html`<li class="instance">
    <div class="name">
      ${instanceLink(one)}<span class="note"
        >${one.serverVersion === null ? 'version not known' : `PostgreSQL ${one.serverVersion}`}</span
      >
    </div>
    <div class="now">
      ${state(toneOf(one, findings), wordOf(one, findings))}<span class="note"
        >${one.status === 'up' ? 'checked' : 'since'} ${ago(one.status === 'up' ? one.checkedAt : one.since)}</span
      >
    </div>
    <div class="day">
      ${strip(cells)}<span class="note">${one.reason === null ? availability(cells) : foreign(one.reason)}</span>
    </div>
  </li>`;
}

const order: Readonly<Record<Tone, number>> = { down: 0, unknown: 1, found: 2, busy: 3, up: 4, quiet: 5 };

function instancesPanel(view: ServiceView): Content {
  if (view.instances.length === 0)
    return panel(
      'Instances',
      empty(
        view.lastLookAt === null ? 'The first look has not ended yet.' : 'No PostgreSQL instance was found.',
        html`An instance appears as soon as its container is seen. List those that must exist under
          <code>remediation.expect</code>.`,
      ),
    );
  const rows = view.instances
    .map((one) => ({ one, findings: openFindings(view, one) }))
    .toSorted((a, b) => order[toneOf(a.one, a.findings)] - order[toneOf(b.one, b.findings)]);
  return panel(
    'Instances',
    html`<ul class="instances">
      ${rows.map(({ one, findings }) => h(Row, { key: `${one.engine}/${one.instance}`, one, findings }))}
    </ul>`,
    { note: stripLegend() },
  );
}

function awayEngines(engines: readonly EngineView[]): Content {
  return engines
    .filter(({ reachable }) => !reachable)
    .map(
      ({ name, address, reason }) =>
        html`<p class="banner bad">
          ${mark('down')}<span
            ><b>The engine ${foreign(name)} does not answer.</b> ${foreign(reason ?? address)}. Its instances could not
            be checked.</span
          >
        </p>`,
    );
}

function headline(view: ServiceView): Content {
  if (view.instances.length === 0) return 'No instance yet';
  const { text, tone } = summaryOfInstances(view);
  return html`<span class=${`headline ${tone}`}>${mark(tone, true)}<span>${foreign(text)}</span></span>`;
}

export function Overview(): Content {
  const { view, session } = useView();
  const up = view.instances.filter(({ status }) => status === 'up').length;
  const all = up === view.instances.length;
  return frame(
    headline(view),
    html`${all ? null : `${up} of ${count(view.instances.length, 'instance')} ${up === 1 ? 'answers' : 'answer'} · `}${view.lastLookAt === null ? 'no look yet' : html`last look ${ago(view.lastLookAt)}`}
    · ${nextRound(view)}`,
    html`${awayEngines(view.engines)}${tiles(view)}${instancesPanel(view)}`,
    mayAsk(session, view)
      ? action({
          label: 'Check everything now',
          disabled: view.runningRound !== null,
          act: async () => {
            await post('POST /rounds');
            return 'A full round has begun';
          },
        })
      : undefined,
  );
}
