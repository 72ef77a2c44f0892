import { percent } from '../format.ts';
import { type Content, html } from '../elements.ts';

interface Interval {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** A share with its interval on a line from 0 to 100%: the dot is the estimate, the bar what is likely. */
export function interval({ rate, low, high }: Interval): Content {
  const at = (share: number) => Math.min(100, Math.max(0, share * 100));
  return html`<span class="interval">
    <svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
      <path class="axis" d="M0 8H100" />
      <rect class="range" x=${at(low)} y="5" width=${Math.max(1, at(high) - at(low))} height="6" />
      <rect class="dot" x=${Math.min(98.4, Math.max(0, at(rate) - 0.8))} y="1.5" width="1.6" height="13" />
    </svg>
    <span><b>${percent(rate)}</b> <span class="note">${percent(low)} to ${percent(high)}</span></span>
  </span>`;
}

/** A length with a longer one behind it: what half took, and what nine of ten took. */
export function spread(median: number, most: number, top: number, write: (value: number) => string): Content {
  const at = (value: number) => (value / Math.max(top, 1e-9)) * 100;
  return html`<span class="interval">
    <svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
      <rect class="range" x="0" y="5" width=${at(most)} height="6" />
      <rect class="dot" x="0" y="5" width=${at(median)} height="6" />
    </svg>
    <span><b>${write(median)}</b> <span class="note">nine of ten within ${write(most)}</span></span>
  </span>`;
}

/** How much of something is used, against its limit, as a plain bar with its words. */
export function meter(used: number, limit: number, text: string): Content {
  const share = limit > 0 ? Math.min(1, used / limit) : 0;
  return html`<span class="meter">
    <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="6" />
      <rect class=${share > 0.9 ? 'full high' : 'full'} width=${share * 100} height="6" />
    </svg>
    <span class="note">${text}</span>
  </span>`;
}
