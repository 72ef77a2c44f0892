import { h } from 'preact';
import { useState } from 'preact/hooks';
import type { Answers, ListedTask } from '../answers.ts';
import { productWith, waterfall } from '../charts/waterfall.ts';
import {
  type Content,
  empty,
  facts,
  failed,
  foreign,
  html,
  skeleton,
  state,
  type Tone,
  isSeverity,
  severity,
} from '../elements.ts';
import { count, figure, words } from '../format.ts';
import { useAnswer } from '../live.ts';
import { addressOf, frame } from '../routes.ts';

type Factor = ListedTask['task']['priority']['factors'][number];

/** Sliders run over the scale of the formula, by the published scales; what the config says counts in the product. */
const scales: Readonly<Record<string, { readonly min: number; readonly max: number; readonly step: number }>> = {
  impact: { min: 1, max: 10, step: 0.5 },
  urgency: { min: 1, max: 4, step: 1 },
  success: { min: 0.05, max: 1, step: 0.05 },
  cost: { min: 1, max: 3, step: 1 },
};

const urgencies = ['low', 'medium', 'high', 'critical'] as const;
const costs = ['minimal', 'moderate', 'heavy'] as const;

function valueText(name: string, value: number): string {
  if (name === 'urgency') return urgencies[Math.round(value) - 1] ?? figure(value);
  if (name === 'cost') return costs[Math.round(value) - 1] ?? figure(value);
  return figure(value);
}

interface WhatIfProps {
  readonly task: ListedTask['task'];
  readonly others: readonly ListedTask[];
}

function WhatIf({ task, others }: WhatIfProps): Content {
  const { factors, score } = task.priority;
  const [values, setValues] = useState<Readonly<Record<string, number>>>({});
  const now = productWith(factors, values);
  const rank = 1 + others.filter((other) => other.task.id !== task.id && other.task.priority.score > now).length;
  const slider = ({ name, scale }: Factor) => {
    const range = scales[name];
    if (range === undefined) return null;
    const value = values[name] ?? scale;
    return html`<label class="slider"
      ><span>${name}</span>
      <input
        type="range"
        min=${range.min}
        max=${range.max}
        step=${range.step}
        value=${value}
        aria-valuetext=${valueText(name, value)}
        onInput=${(event: { currentTarget: HTMLInputElement }) => setValues({ ...values, [name]: event.currentTarget.valueAsNumber })}
      />
      <output>${valueText(name, value)}</output></label
    >`;
  };
  return html`<div class="what-if">
    ${factors.map(slider)}
    <p role="status">
      Score <b>${figure(now)}</b>, rank <b>${rank}</b> of
      ${others.length}${figure(now) === figure(score) ? null : html` <span class="note">instead of ${figure(score)}</span>`}
    </p>
    ${Object.keys(values).length === 0 ? null : html`<button type="button" onClick=${() => setValues({})}>Reset</button>`}
  </div>`;
}

const estimateNames: Readonly<Record<string, string>> = {
  impact: 'Impact',
  urgency: 'Urgency',
  successProb: 'Probability of success',
  resourceCost: 'Cost',
};

function changes({ above, changes: all }: Answers['GET /explanations/:id']): Content {
  if (above === null) return html`<p class="note">It is first.</p>`;
  return html`<p class="note">Next above: ${foreign(above.problem)} with ${figure(above.score)}</p>
    <ul class="plain">
      ${all.map(({ estimate, from, to, score }) =>
        to === null
          ? html`<li>
              <b>${estimateNames[estimate]}</b> <span class="note">not by itself, at best ${figure(score)}</span>
            </li>`
          : html`<li>
              <b>${estimateNames[estimate]}</b> ${String(from)} → ${String(to)}
              <span class="note">makes ${figure(score)}</span>
            </li>`,
      )}
    </ul>`;
}

function Detail({
  entry,
  all,
  place,
}: {
  readonly entry: ListedTask;
  readonly all: readonly ListedTask[];
  readonly place: string;
}): Content {
  const { task } = entry;
  const explained = useAnswer('GET /explanations/:id', { parameters: [task.id] });
  return html`<article class="panel" aria-labelledby="task">
    <header>
      <h2 id="task">${foreign(task.title)}</h2>
      <p class="note">${foreign(task.problem)}</p>
    </header>
    ${waterfall(task.priority.factors, task.priority.score)}
    <h3>What if</h3>
    ${h(WhatIf, { key: task.id, task, others: all })}
    <h3>What would move it up one place</h3>
    ${explained.answer !== undefined ? changes(explained.answer) : explained.failure === undefined ? skeleton(2) : failed(explained.failure, explained.again)}
    <h3>Who does it</h3>
    ${facts([
      ['Class', html`${words(task.class)} <span class="note">${foreign(task.classReason)}</span>`],
      ['Handler', html`${words(task.handler)} <span class="note">${foreign(task.handlerReason)}</span>`],
      ['Automation', html`${task.automation} <span class="note">${foreign(task.automationReason)}</span>`],
      ['Record', html`<code><bdi>${place}</bdi></code>`],
    ])}
    <h3>What it says</h3>
    <pre class="said" tabindex="0"><bdi>${task.description}</bdi></pre>
  </article>`;
}

const states: Readonly<Record<string, Tone>> = {
  open: 'quiet',
  claimed: 'busy',
  done: 'up',
  dead: 'down',
  failed: 'down',
};

function item({ id, task, status }: ListedTask, rank: number, current: boolean): Content {
  const { band, score } = task.priority;
  return html`<li>
    <a href=${addressOf('registry', id)} aria-current=${current ? 'true' : null}>
      <span class="place">${rank}</span>
      <span class="what"
        ><b>${foreign(task.title)}</b><span class="note">${foreign(task.component)} · ${task.kind}</span></span
      >
      <span class="score"
        >${isSeverity(band) ? severity(band) : band}<b>${figure(score)}</b>${status.state === 'open' ? null : state(states[status.state] ?? 'unknown', status.state)}</span
      >
    </a>
  </li>`;
}

function placeOf(problem: string, records: Answers['GET /problems']['records'], target: string): string {
  const record = records.find(({ id }) => id === problem);
  return record?.place === undefined ? target : `${record.path}:${record.place.line}`;
}

/** What follows from the registries now, with what the queue says about each. */
function listed({ tasks }: Answers['GET /problems'], queue: Answers['GET /tasks'] | undefined): readonly ListedTask[] {
  const known = new Map((queue?.tasks ?? []).map(({ id, status }) => [id, status]));
  return tasks
    .map((task) => ({ id: task.id, task, status: known.get(task.id) ?? { state: 'open' as const, waiting: null } }))
    .toSorted((a, b) => b.task.priority.score - a.task.priority.score);
}

/** The tasks in their order; the chosen one with how its score is made. The address may name a task or a problem. */
export function Registry({ parameters }: { readonly parameters: readonly string[] }): Content {
  const queue = useAnswer('GET /tasks');
  const problems = useAnswer('GET /problems');
  if (problems.answer === undefined)
    return frame(
      'Registry and tasks',
      null,
      problems.failure === undefined ? skeleton(8) : failed(problems.failure, problems.again),
    );
  const { records } = problems.answer;
  const all = listed(problems.answer, queue.answer);
  const wanted = parameters[0] ?? '';
  const chosen = all.find(({ id, task }) => id === wanted || task.problem === wanted) ?? all[0];
  const lead = `${count(all.length, 'task')} from ${count(records.length, 'record')}, the most urgent first`;
  if (chosen === undefined)
    return frame(
      'Registry and tasks',
      'No task follows from the registries',
      empty(
        'There is no open problem.',
        html`Write one into a PROBLEMS.md: <code>problems new</code> prints a record.`,
      ),
    );
  return frame(
    'Registry and tasks',
    lead,
    html`<div class="two list-and-detail">
      <ol class="ranked" aria-label="Tasks">
        ${all.slice(0, 200).map((entry, index) => item(entry, index + 1, entry.id === chosen.id))}
      </ol>
      ${h(Detail, { entry: chosen, all, place: placeOf(chosen.task.problem, records, chosen.task.target) })}
    </div>`,
  );
}
