import { meaningOf } from './labels.ts';
import { type Line, readLines } from './lines.ts';
import { isLabelHeading, readTitle, titleKey } from './titles.ts';
import type { ImportedSection, ImportedSectionKey, ImportOptions, ImportProposal, ImportResult } from './types.ts';

/**
 * Proposes records for the problems of a text that was written without markers: headings with labels below them, such as
 * `**Problem**:` and `**Solution**:`. Pure and deterministic; it reads at most a few thousand characters of a line and
 * takes time linear in the text.
 *
 * ```ts
 * const { proposals } = importProblems('# Known issues\n\n### 1. Lost updates (FIXED)\n**Problem**: …\n**Cause**: …\n');
 * proposals[0]?.title; // 'Lost updates'
 * ```
 */
export function importProblems(text: string, { file = 'the text' }: ImportOptions = {}): ImportResult {
  const { lines, marked, tooComplex } = readLines(text);
  if (tooComplex)
    return { proposals: [], ignored: [], marked, nothing: `The markers in ${file} cannot be told from text.` };
  const proposals: ImportProposal[] = [];
  const seen = new Map<string, number>();
  for (const [index, line] of lines.entries()) {
    if (line.type !== 'heading' || isLabelHeading(line.text)) continue;
    const end = endOf(lines, index);
    const sections = sectionsOf(lines, index + 1, end);
    if (new Set(sections.map(({ key }) => key)).size < 2) continue;
    const { title, raw, id, remarks } = readTitle(line.text);
    const occurrence = (seen.get(titleKey(title)) ?? 0) + 1;
    seen.set(titleKey(title), occurrence);
    const isResolved = remarks.some((remark) => /\b(?:resolved|fixed)\b/i.test(remark));
    const place = [{ line: index + 1, endLine: index + 1 }];
    proposals.push({
      title,
      rawTitle: raw,
      id,
      occurrence,
      line: index + 1,
      endLine: end,
      kind: isResolved ? 'resolved' : 'active',
      status: isResolved ? 'resolved' : null,
      severity: null,
      dates: { discovered: null, resolved: null },
      sections,
      rest: [],
      provenance: {
        title: place,
        kind: isResolved ? place : [],
        status: isResolved ? place : [],
        severity: [],
        discovered: [],
        resolved: [],
      },
      confidence: 0.9,
      reasons: [],
    });
  }
  return {
    proposals,
    ignored: [],
    marked,
    nothing: proposals.length === 0 ? `No heading in ${file} has two labels of a problem.` : null,
  };
}

/** The index after the last line of a heading's text: at the next heading that is no label, blank lines left out. */
function endOf(lines: readonly Line[], start: number): number {
  const next = lines.findIndex(({ type, text }, at) => at > start && type === 'heading' && !isLabelHeading(text));
  let end = next === -1 ? lines.length : next;
  while (end > start + 1 && ['blank', 'rule'].includes(lines[end - 1]?.type ?? '')) end -= 1;
  return end;
}

function sectionsOf(lines: readonly Line[], from: number, to: number): readonly ImportedSection[] {
  const sections: ImportedSection[] = [];
  for (let index = from; index < to; index += 1) {
    const [, label, value = ''] =
      /^(?:\*\*|__)([^*_]{1,60}?)[:：]?(?:\*\*|__)[:：]?\s*(.*)$/.exec(lines[index]?.text ?? '') ?? [];
    const key = label === undefined ? undefined : sectionKeyOf(label);
    if (key !== undefined && label !== undefined && value !== '')
      sections.push({ key, text: value, lines: { line: index + 1, endLine: index + 1 }, label });
  }
  return sections;
}

function sectionKeyOf(label: string): ImportedSectionKey | undefined {
  const meaning = meaningOf(label);
  switch (meaning) {
    case 'description':
    case 'rootCause':
    case 'workaround':
    case 'solution':
    case 'impactAssessment':
    case 'lessons':
    case 'evidence':
    case 'reproductionSteps':
      return meaning;
    case 'solutionDone':
    case 'solutionPlanned':
      return 'solution';
    default:
      return undefined;
  }
}
