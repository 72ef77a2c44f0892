import type { InstanceSample } from '../../service/types.ts';
import { type Content, html } from '../elements.ts';

export type Cell = 'up' | 'found' | 'down' | 'unknown' | 'none';

const worst: readonly Cell[] = ['down', 'unknown', 'found', 'up'];

/** What a sample says. */
function cellOf({ status, findings }: InstanceSample): Cell {
  if (status !== 'up') return status;
  return findings !== null && findings > 0 ? 'found' : 'up';
}

/** A day in quarters of an hour, oldest first: the worst of each, and `none` where nothing was seen. */
export function cellsOf(samples: readonly InstanceSample[], until: number): readonly Cell[] {
  const quarter = 900_000;
  const end = Math.ceil(until / quarter);
  const seen = new Map<number, Set<Cell>>();
  for (const sample of samples) {
    const slot = Math.floor(Date.parse(sample.at) / quarter) - end + 96;
    const before = seen.get(slot) ?? new Set();
    seen.set(slot, before.add(cellOf(sample)));
  }
  return Array.from({ length: 96 }, (_, slot) => worst.find((cell) => seen.get(slot)?.has(cell)) ?? 'none');
}

/** Height tells as much as colour: down fills the row, a finding has a dot above, and what was not seen is a short stub. */
const bars: Readonly<Record<Cell, readonly (readonly [y: number, height: number])[]>> = {
  up: [[9, 15]],
  found: [
    [9, 15],
    [2, 4],
  ],
  down: [[0, 24]],
  unknown: [[18, 6]],
  none: [[22.5, 1.5]],
};

const names: Readonly<Record<Cell, string>> = {
  up: 'up',
  found: 'up with findings',
  down: 'down',
  unknown: 'not checked',
  none: 'nothing seen',
};

function hours(quarters: number): string {
  return quarters < 4 ? `${quarters * 15} min` : `${Number((quarters / 4).toFixed(1))} h`;
}

/** A sentence for those who do not see the strip: `Last 24 h: up 23 h, down 45 min`. */
export function stripText(cells: readonly Cell[]): string {
  const parts = (['up', 'found', 'unknown', 'down'] as const).flatMap((cell) => {
    const number = cells.filter((one) => one === cell).length;
    return number === 0 ? [] : [`${names[cell]} ${hours(number)}`];
  });
  return parts.length === 0 ? 'Nothing was seen in the last 24 h.' : `Last 24 h: ${parts.join(', ')}.`;
}

/** 96 cells, a quarter of an hour each. */
export function strip(cells: readonly Cell[]): Content {
  return html`<svg
    class="strip"
    viewBox="0 0 384 24"
    preserveAspectRatio="none"
    role="img"
    aria-label=${stripText(cells)}
  >
    ${cells.flatMap((cell, slot) =>
      bars[cell].map(([y, height]) => html`<rect class=${cell} x=${slot * 4} y=${y} width="3" height=${height} />`),
    )}
  </svg>`;
}

/** What the cells mean, once for all strips. */
export function stripLegend(): Content {
  const shown: readonly Cell[] = ['up', 'found', 'down', 'unknown'];
  return html`<p class="legend strip-legend">
    ${shown.map(
      (cell) =>
        html`<span
          ><svg class="cell" viewBox="0 0 6 24" aria-hidden="true">
            ${bars[cell].map(
              ([y, height]) => html`<rect class=${cell} x="1" y=${y} width="4" height=${height} />`,
            )}</svg
          >${names[cell]}</span
        >`,
    )}
  </p>`;
}

/** How long an instance was down, of the time in which it was checked: `no outage in the 2.5 h that were checked`. */
export function availability(cells: readonly Cell[]): string {
  const checked = cells.filter((cell) => cell === 'up' || cell === 'found' || cell === 'down').length;
  if (checked === 0) return 'not checked in 24 h';
  const down = cells.filter((cell) => cell === 'down').length;
  const time = checked === cells.length ? '24 h' : `the ${hours(checked)} that were checked`;
  return `${down === 0 ? 'no outage' : `${hours(down)} down`} in ${time}`;
}
