import type { PlanAnswer } from '../../service/api.ts';
import { type Content, foreign, html, mark, state } from '../elements.ts';

type Steps = PlanAnswer['steps'];

/** The steps of a plan: what is done, and below it what undoes it. */
export function stepList(steps: Steps): Content {
  return html`<ol class="steps">
    ${steps.map(
      ({ what, undo, downtime }) =>
        html`<li>
          <span>${foreign(what)}${downtime ? html` <span class="tag">interrupts the server</span>` : null}</span>
          <span class="note">${undo === null ? 'needs no undo' : html`undo: ${foreign(undo)}`}</span>
        </li>`,
    )}
  </ol>`;
}

/** A proposal: its steps, what it costs, and why it does not run by itself. */
export function proposal({ steps, downtime, holds, refusal }: PlanAnswer): Content {
  if (refusal !== null)
    return html`<p class="banner warn">
      ${mark('found')}<span><b>${foreign(refusal.reason)}</b> ${foreign(refusal.advice)}</span>
    </p>`;
  return html`${stepList(steps)}
    <p class="note">${downtime === null ? 'No downtime is expected.' : html`Downtime: ${foreign(downtime)}`}</p>
    ${
      holds.length === 0
        ? html`<p>${state('up', 'may run by itself')}</p>`
        : html`<ul class="plain">
            ${holds.map((one) => html`<li>${state('found', 'needs approval')} <span class="note">${foreign(one)}</span></li>`)}
          </ul>`
    }`;
}

interface Change {
  readonly sign: '+' | '−' | ' ';
  readonly text: string;
}

function linesOf(steps: Steps): readonly string[] {
  return steps.map(({ what, undo }) => (undo === null ? what : `${what} (undo: ${undo})`));
}

/** What the plan of now has that the one that was shown had not, and the other way around. Lines that went come first. */
export function compareSteps(shown: Steps, now: Steps): readonly Change[] {
  const before = linesOf(shown);
  const after = linesOf(now);
  const gone = before.filter((line) => !after.includes(line)).map((text) => ({ sign: '−', text }) as const);
  const kept = after.map((text) => ({ sign: before.includes(text) ? ' ' : '+', text }) as const);
  return [...gone, ...kept];
}

const signs = {
  '+': { name: 'added', style: 'added' },
  '−': { name: 'removed', style: 'removed' },
  ' ': { name: 'as before', style: 'kept' },
} as const;

export function difference(shown: Steps, now: Steps): Content {
  const changes = compareSteps(shown, now);
  if (changes.every(({ sign }) => sign === ' '))
    return html`<p class="note">The steps are the same; what they expect of the instance has changed.</p>`;
  return html`<ul class="diff">
    ${changes.map(
      ({ sign, text }) =>
        html`<li class=${signs[sign].style}>
          <span aria-hidden="true">${sign}</span><span class="hidden">${signs[sign].name}: </span>${foreign(text)}
        </li>`,
    )}
  </ul>`;
}
