import { areExercises } from './exercises.ts';
import { findCandidates } from './find.ts';
import { readLines } from './lines.ts';
import { propose } from './propose.ts';
import { stateOfAll } from './state.ts';
import { titleKey } from './titles.ts';
import type { ImportOptions, ImportProposal, ImportResult, Lines } from './types.ts';

/** Sixty times the most that any annotated file has. */
const mostProblems = 2_000;

/**
 * Proposes records for the problems of a text that was written without markers: headings with labels such as `**Problem**:`
 * below them, numbered headings and lists in groups such as "Known issues", rows of tables. Nothing is invented: what no line
 * states is null, and text without a place in a record is listed in `rest`. Pure and deterministic, and linear in the text.
 *
 * ```ts
 * const { proposals } = importProblems('# Known issues\n\n### 1. Lost updates (FIXED)\n**Problem**: …\n**Cause**: …\n');
 * proposals[0]?.title; // 'Lost updates'
 * ```
 */
export function importProblems(text: string, { file }: ImportOptions = {}): ImportResult {
  const document = readLines(text);
  const { lines, marked, refused } = document;
  if (refused !== null) return { ...noProposals(text, marked), nothing: refused };
  const { candidates: found, ignored } = findCandidates(document, file);
  if (found.length > mostProblems) {
    return { ...noProposals(text, marked), nothing: 'It lists more than 2,000 problems.' };
  }
  const isExercise = areExercises(found, lines);
  const candidates = isExercise ? [] : found;
  const ofAll = stateOfAll(lines);
  const seen = new Map<string, number>();
  const proposals: ImportProposal[] = candidates.map((candidate) => {
    const proposal = propose(candidate, lines, ofAll);
    const key = titleKey(proposal.title);
    const occurrence = (seen.get(key) ?? 0) + 1;
    seen.set(key, occurrence);
    return { ...proposal, occurrence };
  });
  return {
    proposals,
    ignored,
    marked,
    textLines: countTextLines(text, proposals, marked),
    nothing:
      proposals.length > 0
        ? null
        : isExercise
          ? 'Its problems are exercises or tasks.'
          : reasonOf(marked.length, ignored.length),
  };
}

function reasonOf(marked: number, ignored: number): string {
  if (marked > 0) return 'What it holds are records already.';
  return ignored > 0 ? 'It holds notes, plans or logs, and no problems.' : 'No part of it is written as a problem.';
}

function noProposals(text: string, marked: readonly Lines[]): Omit<ImportResult, 'nothing'> {
  return { proposals: [], ignored: [], marked, textLines: countTextLines(text, [], marked) };
}

function countTextLines(text: string, proposals: readonly ImportProposal[], marked: readonly Lines[]): number {
  const lines = text.split(/\r\n|\n|\r/).map((line) => line.trim() !== '');
  for (const { line, endLine } of [...marked, ...proposals]) lines.fill(false, line - 1, endLine);
  const rest = proposals
    .flatMap((proposal) => proposal.rest)
    .reduce((sum, { line, endLine }) => sum + endLine - line + 1, 0);
  return lines.filter((isText) => isText).length + rest;
}
