/**
 * `npm run bench`: measures, prints and writes docs/performance.md. `npm run bench -- scan` measures the figures of one
 * group and only prints them. Exits with 1 if a target is missed. Needs ripgrep and a build.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Figure,
  isMet,
  linearityFigures,
  memoryFigure,
  readingFigure,
  scanFigures,
  validateFigures,
} from './figures.ts';
import { machine, tableOf, writePage } from './page.ts';
import { swarmFigures } from './swarm.ts';

const groups: Readonly<Record<string, (folder: string) => readonly Figure[] | Promise<readonly Figure[]>>> = {
  reading: () => [readingFigure()],
  validate: validateFigures,
  scan: scanFigures,
  linearity: linearityFigures,
  memory: (folder) => [memoryFigure(folder)],
  swarm: swarmFigures,
};

const wanted = process.argv.slice(2);
// Before anything is measured: the benchmark itself is no part of it.
const measuredOn = machine();
const folder = mkdtempSync(join(tmpdir(), 'problems-bench-'));
try {
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(groups))
    if (wanted.length === 0 || wanted.includes(name)) figures.push(...(await measure(folder)));
  const text = `${measuredOn}\n\n${tableOf(figures)}`;
  console.log(text);
  if (figures.some((figure) => isMet(figure) === false)) process.exitCode = 1;
  if (wanted.length === 0) await writePage(join(import.meta.dirname, '../docs/performance.md'), text);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
