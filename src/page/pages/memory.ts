import { useState } from 'preact/hooks';
import type { Answers } from '../answers.ts';
import type { ServiceView } from '../../service/types.ts';
import { get } from '../client.ts';
import {
  action,
  behind,
  type Content,
  empty,
  failed,
  foreign,
  html,
  panel,
  skeleton,
  state,
  table,
} from '../elements.ts';
import { useEngine } from '../engine-choice.ts';
import { bytes, count, percent } from '../format.ts';
import { useAnswer, useView } from '../live.ts';
import { frame, instanceLink } from '../routes.ts';

type Fleet = Answers['GET /fleet'];
type Member = Fleet['instances'][number];

const MiB = 1024 ** 2;

interface Block {
  readonly name: string;
  readonly from: number;
  readonly size: number;
  readonly worst: number;
  readonly used: number;
  readonly style: 'reserve' | 'member' | 'other' | 'asked';
}

/** What each takes of the machine: its limit, or its worst case if it has none. */
function blocksOf(fleet: Fleet, usage: (member: Member) => number, asked: number): readonly Block[] {
  const sizes: readonly Omit<Block, 'from'>[] = [
    { name: 'kept for the machine', size: fleet.host.reserve, worst: 0, used: 0, style: 'reserve' },
    ...fleet.others
      .filter(({ limit }) => limit > 0)
      .map(({ container, limit }) => ({ name: container, size: limit, worst: 0, used: 0, style: 'other' as const })),
    ...fleet.instances.map((member) => ({
      name: member.instance,
      size: member.limit > 0 ? member.limit : member.worstCase,
      worst: member.worstCase,
      used: usage(member),
      style: 'member' as const,
    })),
    ...(asked > 0 ? [{ name: 'the new one', size: asked, worst: 0, used: 0, style: 'asked' as const }] : []),
  ];
  let from = 0;
  return sizes.map((block) => {
    const placed = { ...block, from };
    from += block.size;
    return placed;
  });
}

/** Roughly whether a name fits above its block on a wide screen. */
function fits({ name, size }: Block, total: number): boolean {
  return (size / total) * 900 > name.length * 7;
}

function bar(blocks: readonly Block[], memory: number): Content {
  const total = Math.max(memory, ...blocks.map(({ from, size }) => from + size));
  const share = (value: number) => `${((value / total) * 100).toFixed(2)}%`;
  return html`<svg
    class="budget"
    role="img"
    aria-label="The memory of the machine and who takes it; the table below has each part."
  >
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect class="hatch" width="1.5" height="6" />
      </pattern>
    </defs>
    <rect class="machine" x="0" y="20" width=${share(memory)} height="60" />
    ${blocks.map((block) => {
      const { name, from, size, worst, used, style } = block;
      return html`<g class=${style}>
        <title>${`${name}: ${bytes(size)}`}</title>
        ${fits(block, total) ? html`<text x=${share(from)} y="12">${name}</text>` : null}
        <rect class="limit" x=${share(from)} y="20" width=${share(size)} height="60" />
        ${worst > 0 ? html`<rect fill="url(#hatch)" x=${share(from)} y="20" width=${share(Math.min(worst, size))} height="60" />` : null}
        ${used > 0 ? html`<rect class="used" x=${share(from)} y="50" width=${share(Math.min(used, size))} height="30" />` : null}
      </g>`;
    })}
    <rect class="end" x=${share(memory)} y="14" width="2" height="72" />
  </svg>`;
}

function parts(blocks: readonly Block[]): Content {
  return table(
    'The memory of the machine by part',
    ['Part', 'Takes', 'Worst case', 'In use'],
    blocks.map(({ name, size, worst, used }) => [
      foreign(name),
      bytes(size),
      worst === 0 ? '–' : bytes(worst),
      used === 0 ? '–' : bytes(used),
    ]),
    [1, 2, 3],
  );
}

const findingWords: Readonly<Record<string, string>> = {
  'no-limit': 'has no limit',
  'worst-case': 'worst case above 80% of its limit',
  'shared-buffers': 'shared_buffers above a quarter of its limit',
};

function rows(fleet: Fleet, usage: (member: Member) => number, engine: string): Content {
  return table(
    'Memory of each instance',
    ['Instance', 'In use', 'Worst case', 'Limit', 'Share', 'Finding'],
    fleet.instances.map((member) => [
      instanceLink({ engine, instance: member.instance }),
      usage(member) === 0 ? '–' : bytes(usage(member)),
      bytes(member.worstCase),
      member.limit === 0 ? 'none' : bytes(member.limit),
      percent(member.share),
      member.findings.length === 0
        ? state('up', 'fits')
        : state('found', member.findings.map((one) => findingWords[one] ?? one).join(', ')),
    ]),
    [1, 2, 3, 4],
  );
}

function legend(): Content {
  return html`<p class="legend">
    ${(
      [
        ['used', 'in use'],
        ['worst', 'worst case'],
        ['limit', 'limit'],
        ['reserve', 'kept for the machine'],
      ] as const
    ).map(
      ([style, name]) =>
        html`<span
          ><svg class=${`key budget-key ${style}`} viewBox="0 0 16 12" aria-hidden="true">
            <rect fill=${style === 'worst' ? 'url(#hatch)' : null} x=".5" y=".5" width="15" height="11" /></svg
          >${name}</span
        >`,
    )}
  </p>`;
}

function usageFrom(view: ServiceView, engine: string): (member: Member) => number {
  return ({ instance }) =>
    view.instances.find((one) => one.engine === engine && one.instance === instance)?.memory.usage ?? 0;
}

function whatIf(fleet: Fleet, engine: string, asked: number, setAsked: (value: number) => void): Content {
  const left = fleet.host.left - asked;
  const most = Math.max(1024, Math.ceil(fleet.host.memory / MiB / 2));
  return html`<div class="what-if">
    <label class="slider"
      ><span>Limit</span
      ><input
        type="range"
        min="0"
        max=${most}
        step="64"
        value=${asked / MiB}
        aria-valuetext=${bytes(asked)}
        onInput=${(event: { currentTarget: HTMLInputElement }) => setAsked(event.currentTarget.valueAsNumber * MiB)}
      /><output>${bytes(asked)}</output></label
    >
    <p role="status">
      ${asked === 0 ? html`<span class="note">Choose a limit to see whether it fits.</span>` : left >= 0 ? state('up', `It fits: ${bytes(left)} are left`) : state('down', `It does not fit: ${bytes(-left)} are missing`)}
    </p>
    ${
      asked === 0
        ? null
        : action({
            label: 'Check on the machine',
            act: async () => {
              const { ok, answers } = await get('GET /preflight', [], { memory: asked, engine });
              const reasons = answers.flatMap((one) => one.reasons).join('; ');
              if (!ok) throw new Error(`It could not be created: ${reasons}`);
              return reasons;
            },
          })
    }
  </div>`;
}

/** The machine as one bar. Its figures come from the containers of now, so they are asked for once and not with each event. */
export function Memory(): Content {
  const { view } = useView();
  const { engine, choice } = useEngine();
  const { answer, failure, again } = useAnswer('GET /fleet', { query: { engine } });
  const [asked, setAsked] = useState(0);
  if (answer === undefined)
    return frame('Memory budget', null, failure === undefined ? skeleton(6) : failed(failure, again), choice);
  const { host } = answer;
  const usage = usageFrom(view, engine);
  const blocks = blocksOf(answer, usage, asked);
  const lead = host.within
    ? html`${bytes(host.left)} of ${bytes(host.budget)} are left for containers`
    : html`The limits promise ${bytes(host.promised)}, and ${bytes(host.budget)} are there`;
  return frame(
    'Memory budget',
    lead,
    html`${panel(
      `${bytes(host.memory)} in this machine`,
      html`${bar(blocks, host.memory)}${legend()}
      ${host.unlimited.length === 0 ? null : html`<p class="note">${count(host.unlimited.length, 'instance')} without a limit ${host.unlimited.length === 1 ? 'counts' : 'count'} with the worst case: ${foreign(host.unlimited.join(', '))}.</p>`}
      ${behind('As a table', parts(blocks))}`,
      { id: 'machine' },
    )}
    ${panel('Room for one more', whatIf(answer, engine, asked, setAsked), { note: 'what if a new instance had this limit' })}
    ${panel('Each instance', answer.instances.length === 0 ? empty('No instance is there.') : rows(answer, usage, engine))}`,
    choice,
  );
}
