import type { InstanceSample, InstanceView } from '../../service/types.ts';
import type { Answers } from '../answers.ts';
import { type Line, lineChart } from '../charts/line.ts';
import { cellsOf, strip, stripText } from '../charts/strip.ts';
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
import { bytes, count, words } from '../format.ts';
import { mayApprove, serverNow, useAnswer, useView } from '../live.ts';
import { frame, link } from '../routes.ts';
import { toneOf, wordOf } from './overview.ts';
import { outcomeOf } from './runs.ts';

type Answer = Answers['GET /instances/:engine/:name'];

function line(
  name: string,
  style: Line['style'],
  samples: readonly InstanceSample[],
  value: (sample: InstanceSample) => number | null,
): Line {
  return { name, style, points: samples.map((sample) => ({ at: sample.at, value: value(sample) })) };
}

function charts(samples: readonly InstanceSample[]): Content {
  if (samples.length === 0)
    return empty('Nothing has been measured yet.', 'The first light look brings the first values.');
  const span = { from: Date.parse(samples[0]?.at ?? ''), to: Date.parse(samples.at(-1)?.at ?? '') };
  const memory = [
    line('in use', 'area', samples, ({ memoryUsage }) => memoryUsage),
    line('worst case', 'dashed', samples, ({ memoryWorstCase }) => memoryWorstCase),
    // 0: there is no limit to draw.
    line('limit', 'dotted', samples, ({ memoryLimit }) => (memoryLimit === 0 ? null : memoryLimit)),
  ].filter(({ points }) => points.some(({ value }) => value !== null));
  const connections = [
    line('open', 'area', samples, (sample) => sample.connections),
    line('limit', 'dotted', samples, ({ connectionsLimit }) => connectionsLimit),
  ];
  return html`<div class="charts">
    ${lineChart({ ...span, title: 'Memory', lines: memory, write: bytes })}
    ${lineChart({ ...span, title: 'Connections', lines: connections, write: (value) => String(Math.round(value)) })}
  </div>`;
}

function factsOf(one: InstanceView): Content {
  const code = (text: string | null) => (text === null ? 'not known' : html`<code><bdi>${text}</bdi></code>`);
  const { memory, databaseBytes, checksumFailures, oomKills } = one;
  return facts([
    ['Address', code(one.address)],
    ['Version', one.serverVersion === null ? 'not known' : `PostgreSQL ${one.serverVersion}`],
    ['Image', code(one.image)],
    ['Container', code(one.container)],
    ['Engine', foreign(one.engine)],
    ['Memory limit', memory.limit === null ? 'not known' : memory.limit === 0 ? 'none' : bytes(memory.limit)],
    ['Size on disk', databaseBytes === null ? 'not known' : bytes(databaseBytes)],
    [
      'Checksum failures',
      checksumFailures === null
        ? 'not counted'
        : checksumFailures === 0
          ? 'none'
          : state('down', String(checksumFailures)),
    ],
    ['Restarts', String(one.restarts)],
    ['Killed for memory', oomKills === 0 ? 'never' : state('found', count(oomKills, 'time'))],
    ['Checked in full', ago(one.fullyCheckedAt)],
    [one.status === 'up' ? 'Up since' : 'Like this since', ago(one.since)],
  ]);
}

function clients({ clients: tried }: InstanceView): Content {
  if (tried.length === 0) return null;
  return panel(
    'Clients',
    html`<ul class="lines">
      ${tried.map(
        ({ client, reachable, reason }) =>
          html`<li>
            <b>${foreign(client)}</b
            >${state(reachable ? 'up' : 'down', reachable ? 'reaches it' : 'cannot reach it')}${reason === null ? null : html`<span class="note">${foreign(reason)}</span>`}
          </li>`,
      )}
    </ul>`,
    { note: 'tried through their own networks' },
  );
}

function findings({ findings: all }: Answer): Content {
  if (all.length === 0) return panel('Findings', empty('Nothing was ever found here.'));
  return panel(
    'Findings',
    html`<ul class="lines">
      ${all.map(
        ({ finding, goneAt, firstSeen }) =>
          html`<li>
            ${goneAt === null ? state('found', 'open') : state('quiet', 'gone')}<span class="grow"
              >${link(foreign(finding.summary), 'findings', finding.id)}</span
            ><span class="note">${goneAt === null ? html`since ${ago(firstSeen)}` : ago(goneAt)}</span>
          </li>`,
      )}
    </ul>`,
    { note: 'now and before' },
  );
}

function runs({ runs: all }: Answer): Content {
  if (all.length === 0) return panel('Runs', empty('No repair has run here.'));
  return panel(
    'Runs',
    html`<ul class="lines">
      ${all.map((run) => {
        const { tone, text } = outcomeOf(run);
        return html`<li>
          ${state(tone, text)}<span class="grow">${link(foreign(run.plan.summary), 'runs', run.id)}</span
          ><span class="note">${ago(run.createdAt)}</span>
        </li>`;
      })}
    </ul>`,
  );
}

function backups({ backups: found }: Answer): Content {
  if (found === null || found.backups.length === 0)
    return panel('Backups', empty('No backup was found.', html`Take one with <code>problems backups take</code>.`));
  const rows = found.backups
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))
    .slice(0, 8)
    .map((one) => [
      foreign(one.name),
      state(one.verdict === 'good' ? 'up' : one.verdict === 'bad' ? 'down' : 'unknown', one.verdict),
      one.reached ?? '–',
      bytes(one.bytes),
      time(one.createdAt),
    ]);
  return panel(
    'Backups',
    table('Backups of this instance', ['Backup', 'Verdict', 'Level', 'Size', 'Taken (UTC)'], rows, [3]),
    {
      note: foreign(found.verdict.reason),
    },
  );
}

function suspended({ suspended: why, engine, instance }: InstanceView, may: boolean): Content {
  if (why === null) return null;
  const lift = action({
    label: 'Lift the suspension',
    act: async () => {
      await post('POST /instances/:engine/:name/lift', [engine, instance]);
      return 'Repairs may run again';
    },
  });
  return html`<div class="banner warn">
    ${mark('found')}<span class="grow"
      ><b>Repairs are suspended</b>, since ${ago(why.since)}: ${foreign(why.reason)}</span
    >${may ? lift : null}
  </div>`;
}

function notChecked({ notLookedAt }: InstanceView): Content {
  if (notLookedAt.length === 0) return null;
  return panel(
    'Not checked',
    html`<ul class="lines">
      ${notLookedAt.map(
        ({ remediator, reason }) =>
          html`<li>${state('unknown', words(remediator))}<span class="note grow">${foreign(reason)}</span></li>`,
      )}
    </ul>`,
    { note: 'checks of the last full round that could not run' },
  );
}

export function Instance({ parameters }: { readonly parameters: readonly string[] }): Content {
  const { session, view } = useView();
  const { answer, failure, again } = useAnswer('GET /instances/:engine/:name', { parameters, live: true });
  const name = foreign(parameters[1] ?? '');
  if (answer === undefined) return frame(name, null, failure === undefined ? skeleton(6) : failed(failure, again));
  const one = answer.instance;
  const open = answer.findings.filter(({ goneAt }) => goneAt === null).length;
  const tone = toneOf(one, open);
  const day = cellsOf(answer.samples, serverNow());
  return frame(
    html`<span class=${`headline ${tone}`}>${mark(tone, true)}<span>${name}</span></span>`,
    html`${wordOf(one, open)} · ${one.reason === null ? html`checked ${ago(one.checkedAt)}` : foreign(one.reason)}`,
    html`${suspended(one, mayApprove(session, view))}
      <section class="panel" aria-label="The last 24 hours">
        ${strip(day)}
        <p class="note">${stripText(day)}</p>
      </section>
      ${panel('Use', charts(answer.samples), { note: 'the last 7 days' })}
      <div class="two">
        ${panel('Facts', factsOf(one))}
        <div class="stack">${findings(answer)}${clients(one)}${notChecked(one)}</div>
      </div>
      ${backups(answer)}${runs(answer)}`,
  );
}
