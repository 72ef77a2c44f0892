import type { Evidence } from '../remediation/contract.ts';
import { type Content, foreign, html } from './elements.ts';

interface Shown {
  readonly label: string;
  readonly text: string;
}

function shownAs(evidence: Evidence): Shown {
  switch (evidence.type) {
    case 'message': {
      const state = evidence.sqlstate === undefined ? '' : `, SQLSTATE ${evidence.sqlstate}`;
      return { label: `message${state}`, text: evidence.text };
    }
    case 'docker': {
      const { object, field, value } = evidence;
      return { label: `${object}, ${field}`, text: typeof value === 'string' ? value : JSON.stringify(value) };
    }
    case 'log':
      return { label: `log, ${evidence.at.slice(0, 19).replace('T', ' ')} UTC`, text: evidence.text };
    case 'query':
      return { label: evidence.sql, text: evidence.result };
    case 'file':
      return { label: evidence.path, text: evidence.text };
    case 'probe':
      return { label: evidence.name, text: evidence.result };
  }
}

/** What was observed, verbatim, as text. */
export function evidenceList(evidence: readonly Evidence[]): Content {
  if (evidence.length === 0) return html`<p class="note">No evidence was kept.</p>`;
  return html`<dl class="evidence">
    ${evidence.map((one) => {
      const { label, text } = shownAs(one);
      return html`<div>
        <dt>${foreign(label)}</dt>
        <dd>
          <pre tabindex="0"><bdi>${text}</bdi></pre>
        </dd>
      </div>`;
    })}
  </dl>`;
}
