import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importProblems, sureConfidence } from '../../src/import/index.ts';

/**
 * Annotated files of other projects, each under its own licence, are not part of this repository. Where they are at hand, the
 * scores must not fall by more than half a point below what docs/import.md says.
 */
const folder = process.env['PROBLEMS_FREEFORM'] ?? join(import.meta.dirname, '../../../shared/freeform');
const gold = join(folder, 'gold-dev.json');
const isThere = existsSync(gold) && existsSync(join(folder, 'score.ts'));

interface Tally {
  readonly p: number;
  readonly r: number;
  readonly f1: number;
}

interface Scores {
  readonly tallies: Readonly<Record<string, Tally>>;
  readonly share: Readonly<Record<string, readonly [right: number, all: number]>>;
  readonly confidence: Readonly<Record<string, readonly [right: number, all: number]>>;
}

function score(): Scores {
  const temporary = mkdtempSync(join(tmpdir(), 'problems-import-'));
  try {
    const results = Object.fromEntries(
      globSync('texts/*/*.md', { cwd: folder }).map((path) => {
        const bytes = readFileSync(join(folder, path));
        // The names of the texts are whole paths, joined by two underscores.
        const file = basename(path).split('__').at(-1) ?? '';
        const { proposals } = importProblems(bytes.toString('utf8'), { file });
        const records = proposals.map(({ sections, provenance, ...proposal }) => ({
          ...proposal,
          provenance: Object.assign(
            { ...provenance },
            Object.fromEntries(
              sections.map(({ key }) => [key, sections.filter((one) => one.key === key).map(({ lines }) => lines)]),
            ),
          ),
        }));
        return [createHash('sha256').update(bytes).digest('hex'), { records }];
      }),
    );
    const file = join(temporary, 'results.json');
    writeFileSync(file, JSON.stringify(results));
    const ran = spawnSync(process.execPath, [join(folder, 'score.ts'), '--gold', gold, '--results', file, '--json'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    expect(ran.status, ran.stderr).toBe(0);
    const scores: Scores = JSON.parse(ran.stdout);
    return scores;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

describe.runIf(isThere)('the recognition of annotated problem files', () => {
  const { tallies, share, confidence } = isThere ? score() : { tallies: {}, share: {}, confidence: {} };

  it.each([
    ['found', 'p', 0.991],
    ['found', 'r', 0.991],
    ['origin other', 'f1', 0.995],
    ['status', 'f1', 0.988],
    ['severity', 'f1', 0.995],
    ['sections', 'f1', 0.981],
    ['dates', 'f1', 0.995],
  ] as const)('reaches its limit: %s, %s at least %d', (name, figure, least) => {
    expect(tallies[name]?.[figure]).toBeGreaterThanOrEqual(least);
  });

  it('takes little without asking that is not a problem, and most of what is', () => {
    const taken = Object.entries(confidence).filter(([least]) => Number(least) >= sureConfidence);
    const [right, all] = taken.reduce(([a, b], [, [c, d]]) => [a + c, b + d], [0, 0]);
    const { tp: found = 0, fn: missed = 0 } = { ...tallies['found'] } as { tp?: number; fn?: number };
    expect(right / all).toBeGreaterThanOrEqual(0.991);
    expect(right / (found + missed)).toBeGreaterThanOrEqual(0.825);
  });

  it('is silent in files with nothing to import', () => {
    const [silent = 0, all = 0] = share['files with nothing to import: nothing proposed'] ?? [];
    expect(silent / all).toBe(1);
  });
});
