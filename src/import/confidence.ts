import { type Candidate, countKinds, hasProblemAndAnswer } from './candidate.ts';
import { namesProblems } from './names.ts';

/** From this confidence on at least 98 of 100 proposals are problems: docs/import.md says on which files that was measured. */
export const sureConfidence = 0.6;

export interface Confidence {
  readonly confidence: number;
  readonly reasons: readonly string[];
}

interface Evidence {
  readonly points: number;
  /** Why the confidence is lower than it could be. */
  readonly reason?: string;
}

/** How sure it is that the author means a problem here: a sum of points for what speaks for it, in hundredths. */
export function confidenceOf(candidate: Candidate, sections: number, isWeakState: boolean): Confidence {
  const evidence = [...ofLabels(candidate), ...ofForm(candidate), ...ofPlace(candidate)];
  if (sections === 0) evidence.push({ points: -15, reason: 'There is no text besides the title.' });
  if (isWeakState) evidence.push({ points: -2 });
  const sum = evidence.reduce((total, { points }) => total + points, 30);
  return {
    confidence: Math.min(0.98, Math.max(0.05, Math.round(sum) / 100)),
    reasons: evidence.flatMap(({ reason }) => reason ?? []),
  };
}

function ofLabels({ kinds }: Candidate): readonly Evidence[] {
  const count = countKinds(kinds);
  if (count === 0) return [{ points: 0, reason: 'It has no labels such as Problem or Solution.' }];
  if (count === 1) return [{ points: 10, reason: 'It has only one label.' }];
  return [{ points: 15 + 10 * Math.min(count, 4) }, { points: hasProblemAndAnswer(kinds) ? 5 : 0 }];
}

function ofForm({ form, title, alike }: Candidate): readonly Evidence[] {
  const evidence: Evidence[] = [];
  if (title.isNumbered) evidence.push({ points: 8 });
  if (title.id !== null || title.isPrefixed) evidence.push({ points: 15 });
  if (title.remarks.length > 0 || title.isStruck) evidence.push({ points: 5 });
  if (form === 'bold-line') evidence.push({ points: -10, reason: 'Its title is a bold line, not a heading.' });
  if (form === 'item') evidence.push({ points: -5, reason: 'It is an item of a list.' });
  if (form === 'row') evidence.push({ points: 5, reason: 'It is a row of a table.' });
  if (form === 'item' && alike < 2) evidence.push({ points: -5, reason: 'It is the only item of its list.' });
  return evidence;
}

function ofPlace({ around }: Candidate): readonly Evidence[] {
  const isGrouped = around.groups.some(({ text, level }) => level > 1 && namesProblems(text));
  const evidence: Evidence[] = [{ points: isGrouped ? 12 : around.inProblems ? 5 : 0 }];
  if (!around.inProblems) evidence.push({ points: 0, reason: 'No heading above it names problems.' });
  if (around.inNotes) evidence.push({ points: -20, reason: 'A heading above it names notes or a log.' });
  return evidence;
}
