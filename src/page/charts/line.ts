import { bothTimes, clock, day } from '../format.ts';
import { behind, type Content, html, table } from '../elements.ts';

/** A line over time. `style` is its dash or fill: lines differ in form, since colours are kept for states. */
export interface Line {
  readonly name: string;
  readonly style: 'area' | 'line' | 'dashed' | 'dotted';
  readonly points: readonly { readonly at: string; readonly value: number | null }[];
}

interface Chart {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly from: number;
  readonly to: number;
  readonly write: (value: number) => string;
}

const width = 640;
const height = 160;

/** The next round number above: 1, 2, 2.5 or 5 times a power of ten. For bytes a power of two. */
function ceiling(value: number, inBytes: boolean): number {
  if (value <= 0) return 1;
  if (inBytes) {
    const step = 2 ** Math.floor(Math.log2(value) - 2);
    return Math.ceil(value / step) * step;
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

/** Pieces of a line, broken where a value is missing. */
function pieces(line: Line, x: (at: number) => number, y: (value: number) => number): readonly string[] {
  const found: string[][] = [[]];
  for (const { at, value } of line.points) {
    if (value === null) found.push([]);
    else found.at(-1)?.push(`${x(Date.parse(at)).toFixed(1)} ${y(value).toFixed(1)}`);
  }
  return found.filter((piece) => piece.length > 0).map((piece) => piece.join('L'));
}

function areaOf(piece: string): string {
  const first = piece.split('L')[0]?.split(' ')[0] ?? '0';
  const last = piece.split('L').at(-1)?.split(' ')[0] ?? '0';
  return `M${first} ${height}L${piece}L${last} ${height}Z`;
}

function sampled<Item>(items: readonly Item[], most: number): readonly Item[] {
  const step = Math.ceil(items.length / most);
  return items.filter((_, index) => index % step === 0 || index === items.length - 1);
}

/** Lines of a value over time, with the table of their values. Its text is HTML, so that it keeps its size on every screen. */
export function lineChart({ title, lines, from, to, write }: Chart): Content {
  const values = lines.flatMap(({ points }) => points.flatMap(({ value }) => value ?? []));
  if (values.length === 0) return html`<p class="note">${title}: nothing has been measured yet.</p>`;
  const top = ceiling(Math.max(...values), write(1024 ** 2).includes('MiB'));
  const x = (at: number) => ((at - from) / Math.max(1, to - from)) * width;
  const y = (value: number) => height - (value / top) * height;
  const last = (line: Line) => line.points.findLast(({ value }) => value !== null)?.value ?? null;
  const now = lines.map((line) => `${line.name} ${write(last(line) ?? 0)}`).join(', ');
  const ticks = [0, 1 / 3, 2 / 3, 1].map((share) => new Date(from + share * (to - from)).toISOString());
  const rows = sampled(lines[0]?.points ?? [], 48).map(({ at }) => [
    html`<span title=${bothTimes(at)}>${clock(at, to)}</span>`,
    ...lines.map((line) => {
      const value = line.points.find((point) => point.at === at)?.value ?? null;
      return value === null ? '–' : write(value);
    }),
  ]);
  return html`<figure class="chart">
    <figcaption>
      <span class="title">${title}</span>
      <span class="legend"
        >${lines.map(
          (line) =>
            html`<span
              ><svg class="key" viewBox="0 0 20 10" aria-hidden="true"><path class=${line.style} d="M0 5h20" /></svg
              >${line.name} ${last(line) === null ? null : html`<b>${write(last(line) ?? 0)}</b>`}</span
            >`,
        )}</span
      >
    </figcaption>
    <div class="plot">
      <div class="scale" aria-hidden="true"><span>${write(top)}</span><span>${write(top / 2)}</span><span>0</span></div>
      <svg
        viewBox=${`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label=${`${title}: now ${now}.`}
      >
        <path class="grid" d=${`M0 .5H${width}M0 ${height / 2}H${width}M0 ${height - 0.5}H${width}`} />
        ${lines.flatMap((line) =>
          pieces(line, x, y).map(
            (piece) =>
              html`${line.style === 'area' ? html`<path class="under" d=${areaOf(piece)} />` : null}<path
                  class=${line.style}
                  d=${`M${piece}`}
                />`,
          ),
        )}
      </svg>
      <div class="times" aria-hidden="true">
        ${ticks.map((at) => html`<span>${to - from > 2 * 86_400_000 ? day(at) : clock(at, to)}</span>`)}
      </div>
    </div>
    ${behind(
      'As a table',
      table(
        title,
        ['Time (UTC)', ...lines.map(({ name }) => name)],
        rows,
        lines.map((_, index) => index + 1),
      ),
    )}
  </figure>`;
}
