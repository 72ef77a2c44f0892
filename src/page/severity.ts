import type { ServiceView, TrackedFinding } from '../service/types.ts';
import { type Content, html } from './elements.ts';

export type Severity = 'critical' | 'high' | 'medium' | 'low';

/** That of its alert; without one, by what the finding puts at risk. */
export function severityOf({ finding }: TrackedFinding, { alerts }: Pick<ServiceView, 'alerts'>): Severity {
  const alert = alerts.find((one) => one.finding === finding.id && one.state !== 'resolved');
  if (alert !== undefined) return alert.severity;
  if (finding.corruption === true || finding.down === true || finding.remediator === 'availability') return 'critical';
  if (finding.risk === 'data') return 'high';
  return finding.risk === 'restart' ? 'medium' : 'low';
}

const bars: Readonly<Record<Severity, number>> = { critical: 4, high: 3, medium: 2, low: 1 };

/** The most severe first; among equals the order of the view. */
export function bySeverity(findings: readonly TrackedFinding[], view: ServiceView): readonly TrackedFinding[] {
  return findings.toSorted((a, b) => bars[severityOf(b, view)] - bars[severityOf(a, view)]);
}

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
