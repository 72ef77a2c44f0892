import htm from 'htm';
import { type ComponentChildren, h } from 'preact';
import { useState } from 'preact/hooks';
import type { Severity } from '../service/types.ts';
import type { RequestFailed } from './client.ts';
import { bothTimes, clock, relative } from './format.ts';
import { useNow } from './live.ts';

const element = htm.bind(h);

/** By template: the same, with its line breaks as HTML reads them. */
const spaced = new WeakMap<TemplateStringsArray, TemplateStringsArray>();

/**
 * Templates become elements. Values are text nodes and attributes, never markup. A line break with its indent is a space, as in
 * HTML; htm alone would drop it, and join the words of both lines.
 */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Content {
  let known = spaced.get(strings);
  if (known === undefined) {
    const last = strings.length - 1;
    const texts = strings.map((text, index) => {
      const begun = index === 0 ? text.replace(/^\s*\n\s*/, '') : text;
      return (index === last ? begun.replace(/\s*\n\s*$/, '') : begun).replaceAll(/\s*\n\s*/g, ' ');
    });
    known = Object.assign(texts, { raw: texts });
    spaced.set(strings, known);
  }
  return element(known, ...values);
}

export type Content = ComponentChildren;

/** What a thing is: by shape, then by colour, and always with a word next to it. */
export type Tone = 'up' | 'found' | 'down' | 'unknown' | 'busy' | 'quiet';

const shapes: Readonly<Record<Tone, Content>> = {
  up: html`<circle class="solid" cx="8" cy="8" r="7" /><path class="cut" d="M4.7 8.3l2.3 2.3 4.4-4.8" />`,
  found: html`<path class="solid" d="M8 1.2l7.2 13H.8z" /><path class="cut" d="M8 6v3.6M8 11.7v.3" />`,
  down: html`<path class="solid" d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" /><path
      class="cut"
      d="M5.4 5.4l5.2 5.2m0-5.2l-5.2 5.2"
    />`,
  unknown: html`<circle class="ring dashed" cx="8" cy="8" r="6.2" /><path
      class="line"
      d="M6 6.4a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1M8 11.4v.2"
    />`,
  busy: html`<circle class="ring faint" cx="8" cy="8" r="6.2" /><path
      class="ring turn"
      d="M8 1.8a6.2 6.2 0 0 1 6.2 6.2"
    />`,
  quiet: html`<circle class="ring" cx="8" cy="8" r="4" />`,
};

export function mark(tone: Tone, large = false): Content {
  return html`<svg class=${`mark ${tone}${large ? ' large' : ''}`} viewBox="0 0 16 16" aria-hidden="true">
    ${shapes[tone]}
  </svg>`;
}

/** A state in words with its shape. */
export function state(tone: Tone, text: string): Content {
  return html`<span class=${`state ${tone}`}>${mark(tone)}<span>${text}</span></span>`;
}

const bars: Readonly<Record<Severity, number>> = { critical: 4, high: 3, medium: 2, low: 1 };

export function isSeverity(text: string): text is Severity {
  return Object.hasOwn(bars, text);
}

/** A word with one to four bars: rank without colour. */
export function severity(of: Severity): Content {
  return html`<span class=${`severity ${of}`}
    ><svg viewBox="0 0 15 12" aria-hidden="true">
      ${[1, 2, 3, 4].map(
        (bar) =>
          html`<rect
            class=${bar <= bars[of] ? 'on' : 'off'}
            x=${(bar - 1) * 4}
            y=${12 - bar * 3}
            width="3"
            height=${bar * 3}
          />`,
      )}</svg
    >${of}</span
  >`;
}

/** An age that ticks, with both times in its title. */
function Ago({ at, prefix = '' }: { readonly at: string; readonly prefix?: string }): Content {
  const now = useNow();
  return html`<time datetime=${at} title=${bothTimes(at)}>${prefix}${relative(at, now)}</time>`;
}

export function ago(at: string | null, none = 'never', prefix = ''): Content {
  return at === null ? none : h(Ago, { at, prefix });
}

function At({ at }: { readonly at: string }): Content {
  const now = useNow(60_000);
  return html`<time datetime=${at} title=${bothTimes(at)}>${clock(at, now)}</time>`;
}

/** A time of day, UTC. */
export function time(at: string | null, none = '–'): Content {
  return at === null ? none : h(At, { at });
}

/** Text of others: one isolated run, so that nothing in it turns the line around. */
export function foreign(text: string): Content {
  return html`<bdi>${text}</bdi>`;
}

export function panel(
  title: string,
  content: Content,
  more: { readonly note?: Content; readonly id?: string } = {},
): Content {
  const id = more.id ?? `panel-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
  return html`<section class="panel" aria-labelledby=${id}>
    <header>
      <h2 id=${id}>${title}</h2>
      ${more.note === undefined ? null : html`<p class="note">${more.note}</p>`}
    </header>
    ${content}
  </section>`;
}

/** When there is nothing: says so, and what would bring something. */
export function empty(text: string, hint?: Content): Content {
  return html`<div class="empty">
    <p>${text}</p>
    ${hint === undefined ? null : html`<p class="note">${hint}</p>`}
  </div>`;
}

/** Grey lines of the height of what will come, so that nothing jumps. */
export function skeleton(lines = 3): Content {
  return html`<div class="skeleton" role="status">
    <span class="hidden">Loading</span>${Array.from({ length: lines }, () => html`<div></div>`)}
  </div>`;
}

export function failed(failure: RequestFailed, again?: () => void): Content {
  return html`<div class="failed" role="alert">
    ${mark('down')}
    <div>
      <p>${failure.message}</p>
      ${failure.hint === null ? null : html`<p class="note">${failure.hint}</p>`}
      ${again === undefined ? null : html`<button type="button" onClick=${again}>Try again</button>`}
    </div>
  </div>`;
}

/** The table behind a chart. Columns that hold numbers are named in `right`. */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly Content[])[],
  right: readonly number[] = [],
): Content {
  const side = (column: number) => (right.includes(column) ? 'right' : null);
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${caption}>
    <table>
      <caption class="hidden">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column, index) => html`<th scope="col" class=${side(index)}>${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, index) => (index === 0 ? html`<th scope="row">${cell}</th>` : html`<td class=${side(index)}>${cell}</td>`))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

export function behind(summary: string, content: Content): Content {
  return html`<details class="behind">
    <summary>${summary}</summary>
    ${content}
  </details>`;
}

/** Pairs of a name and a value. */
export function facts(pairs: readonly (readonly [name: string, value: Content])[]): Content {
  return html`<dl class="facts">
    ${pairs.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

interface ActionProps {
  readonly label: string;
  readonly act: () => Promise<string>;
  readonly strong?: boolean;
  readonly disabled?: boolean;
}

/** A button that asks the server for something, and says below what came of it. */
function Action({ label, act, strong = false, disabled = false }: ActionProps): Content {
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<{ readonly tone: Tone; readonly text: string } | null>(null);
  const press = async () => {
    setBusy(true);
    setResult(null);
    try {
      setResult({ tone: 'up', text: await act() });
    } catch (error) {
      setResult({ tone: 'down', text: sentences(error) });
    }
    setBusy(false);
  };
  return html`<span class="action">
    <button
      type="button"
      class=${strong ? 'strong' : null}
      disabled=${disabled || busy}
      aria-busy=${busy}
      onClick=${press}
    >
      ${label}
    </button>
    <span role="status">${result === null || result.text === '' ? null : state(result.tone, result.text)}</span>
  </span>`;
}

/** What went wrong, and what may help. */
export function sentences(error: unknown): string {
  if (!(error instanceof Error)) return 'It failed.';
  return 'hint' in error && typeof error.hint === 'string' ? `${error.message} ${error.hint}` : error.message;
}

export function action(props: ActionProps): Content {
  return h(Action, props);
}
