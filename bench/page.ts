import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { spawnSync } from 'node:child_process';
import { format } from 'prettier';
import { type Figure, isMet } from './figures.ts';

const start = '<!-- bench:start: written by `npm run bench` -->';
const end = '<!-- bench:end -->';

/** The figures as a Markdown table. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { what, against, ratio, target, faster = false } = figure;
    const [median, lowest, highest] = faster
      ? [1 / ratio.median, 1 / ratio.highest, 1 / ratio.lowest]
      : [ratio.median, ratio.lowest, ratio.highest];
    const sign = faster ? '≥' : '≤';
    return [
      what,
      against,
      `**${shown(median)}${faster ? '× as fast' : '×'}**`,
      `${shown(lowest)}–${shown(highest)}`,
      target === undefined ? '' : `${sign} ${target}`,
      { true: 'met', false: 'missed', undefined: '' }[`${isMet(figure)}`],
    ];
  });
  const head = ['What', 'Beside it', 'Median ratio', 'Rounds', 'Target', ''];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function shown(number: number): string {
  return number >= 20 ? number.toFixed(0) : number.toFixed(2);
}

/** What the figures were measured with. */
export function machine(): string {
  const [cpu] = cpus();
  // Only the scans need it.
  const rg = spawnSync('rg', ['--version'], { encoding: 'utf8' });
  const beside = rg.error === undefined ? ` and ${rg.stdout.split('\n')[0] ?? ''}` : '';
  return `Measured with Node ${process.versions.node}${beside} on ${process.platform}, ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, at a load average of ${loadavg()[0]?.toFixed(1)}.`;
}

/** Puts the figures in their place on the page; everything else on it stays. */
export async function writePage(file: string, text: string): Promise<void> {
  const page = readFileSync(file, 'utf8');
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${file} has no place for the figures.`);
  const written = `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
  writeFileSync(file, await format(written, { parser: 'markdown' }));
}
