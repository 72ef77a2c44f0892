import type { ImportedFile, ImportReport } from '../app/import.ts';
import type { ImportProposal, Lines } from '../import/types.ts';
import { escapeTerminal } from './escape-terminal.ts';
import { toJson } from './json.ts';

/** What `problems import` prints: for each file what it proposes, then what is left to you, with the reasons. */
export function importText({ files, refused }: ImportReport, minConfidence: number): string {
  const lines = files.flatMap((file) => fileLines(file, minConfidence));
  const errors = refused.map(({ path, message }) => `${escapeTerminal(path)}: ${message}`);
  if (lines.length + errors.length === 0) return 'No problem files found here.\n';
  return `${[...lines, ...errors].join('\n')}\n`;
}

function fileLines({ path, result }: ImportedFile, minConfidence: number): readonly string[] {
  const name = escapeTerminal(path);
  const { proposals, nothing } = result;
  if (proposals.length === 0) return [`${name}: nothing to import. ${escapeTerminal(nothing ?? '')}`.trimEnd()];
  const unsure = proposals.filter(({ confidence }) => confidence < minConfidence);
  const kinds = ['active', 'intermittent', 'resolved'].map((kind) => [kind, count(proposals, kind)] as const);
  const counted = kinds.filter(([, number]) => number > 0).map(([kind, number]) => `${number} ${kind}`);
  const left = unsure.length === 0 ? '' : `; ${unsure.length} left for you to decide`;
  return [
    `${name}: ${proposals.length === 1 ? '1 problem' : `${proposals.length} problems`} (${counted.join(', ')})${left}`,
    ...proposals.map((proposal) => proposalLine(proposal, minConfidence)),
  ];
}

function count(proposals: readonly ImportProposal[], kind: string): number {
  return proposals.filter((proposal) => proposal.kind === kind).length;
}

function proposalLine(proposal: ImportProposal, minConfidence: number): string {
  const { line, title, kind, status, severity, confidence, reasons } = proposal;
  const states = [kind === 'resolved' ? kind : (status ?? kind), ...(severity === null ? [] : [severity])];
  const isSure = confidence >= minConfidence;
  const why = isSure ? '' : `: ${reasons.join(' ')}`;
  const text = `  ${isSure ? ' ' : '?'} line ${line}: ${title} (${states.join(', ')}; ${confidence.toFixed(2)})${why}`;
  return escapeTerminal(text).trimEnd();
}

/** Everything that was proposed, as JSON: the records of all files in `records`, and a summary for each file. */
export function importJson({ files, refused }: ImportReport, minConfidence: number): string {
  return toJson({
    schemaVersion: 1,
    records: files.flatMap((file) =>
      file.result.proposals.map((proposal) => recordJson(file, proposal, minConfidence)),
    ),
    files: files.map(({ path, component, result: { ignored, marked, nothing, proposals } }) => ({
      path,
      component,
      proposals: proposals.length,
      ignored,
      marked,
      nothing,
    })),
    refused,
  });
}

function recordJson({ path, component }: ImportedFile, proposal: ImportProposal, minConfidence: number): object {
  const { provenance, sections, dates, ...rest } = proposal;
  const bySection = new Map<string, Lines[]>();
  for (const { key, lines } of sections) bySection.set(key, [...(bySection.get(key) ?? []), lines]);
  return {
    path,
    component,
    ...rest,
    taken: proposal.confidence >= minConfidence,
    dates,
    sections: sections.map(({ key, label, text, lines }) => ({ key, label, text, ...lines })),
    provenance: { ...provenance, ...Object.fromEntries(bySection) },
  };
}
