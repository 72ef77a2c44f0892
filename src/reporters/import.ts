import type { RecordsImport, RegistryImport, WrittenImport } from '../app/import-records.ts';
import type { ImportedFile } from '../app/import.ts';
import type { ImportItem } from '../import/plan.ts';
import type { ImportProposal, Lines } from '../import/types.ts';
import type { ImportChange } from '../import/update.ts';
import { escapeTerminal, plain, shorten, type Style } from './escape-terminal.ts';
import { unifiedDiff } from './unified-diff.ts';

/** What `problems import` prints: for each file what becomes of its problems, and what is left to you, with the reasons. */
export function importText({ files, refused, registries }: RecordsImport, style: Style = plain): string {
  const bySource = Map.groupBy(
    registries.flatMap((registry) => registry.items.map((item) => ({ registry, item }))),
    ({ item }) => item.source,
  );
  const lines = files.flatMap((file) => fileLines(file, bySource.get(file.path) ?? [], style));
  const errors = refused.map(({ path, message }) => `${escapeTerminal(path)}: ${escapeTerminal(message)}`);
  if (lines.length + errors.length === 0) return 'No problem files found here.\n';
  return `${[...lines, ...errors].join('\n')}\n`;
}

interface Placed {
  readonly registry: RegistryImport;
  readonly item: ImportItem;
}

function fileLines({ path, result }: ImportedFile, placed: readonly Placed[], style: Style): readonly string[] {
  const name = style('path', escapeTerminal(path));
  const { proposals, textLines, nothing } = result;
  const said = placed.filter(({ item }) => item.action !== 'unchanged').flatMap(({ item }) => itemLines(item, style));
  if (proposals.length === 0)
    return [`${name}: nothing to import. ${escapeTerminal(nothing ?? '')}`.trimEnd(), ...said];
  const kinds = ['active', 'intermittent', 'resolved'].map((kind) => [kind, count(proposals, kind)] as const);
  const counted = kinds.filter(([, number]) => number > 0).map(([kind, number]) => `${number} ${kind}`);
  const number = (...actions: readonly string[]): number =>
    placed.filter(({ item }) => actions.includes(item.action)).length;
  const parts = [
    [number('unchanged'), 'up to date'],
    [number('known'), 'recorded elsewhere'],
    [number('unsure', 'left'), 'left for you to decide'],
    [textLines, textLines === 1 ? 'line stays text' : 'lines stay text'],
  ] as const;
  const target = placed[0]?.registry.path ?? path;
  return [
    [
      `${name}: ${proposals.length === 1 ? '1 problem' : `${proposals.length} problems`} (${counted.join(', ')})`,
      target === path || said.length === 0 ? '' : `, into ${escapeTerminal(target)}`,
      ...parts.flatMap(([some, what]) => (some === 0 ? [] : [`; ${some} ${what}`])),
    ].join(''),
    ...said,
  ];
}

function count(proposals: readonly ImportProposal[], kind: string): number {
  return proposals.filter((proposal) => proposal.kind === kind).length;
}

const signs: Readonly<Record<ImportItem['action'], string>> = {
  added: '+',
  updated: '~',
  unchanged: ' ',
  known: '=',
  unsure: '?',
  left: '!',
  gone: '-',
};

function itemLines(
  { action, line, title, kind, status, severity, confidence, reasons, changes }: ImportItem,
  style: Style,
): readonly string[] {
  const states = [kind === 'resolved' ? kind : (status ?? kind), ...(severity === null ? [] : [severity])].join(', ');
  const sure = confidence === null ? '' : `; ${confidence.toFixed(2)}`;
  const place = line === null ? '' : `line ${line}: `;
  const why = reasons.length === 0 ? '' : `: ${reasons.join(' ')}`;
  const text = escapeTerminal(`${signs[action]} ${place}${title} (${states}${sure})${why}`).trimEnd();
  return [`  ${text}`, ...changes.map((change) => style('faint', `      ${changeText(change)}`))];
}

/** A change in one line, with the beginning of its value. */
function changeText({ name, value, refused }: ImportChange): string {
  const shown = shorten(value.replaceAll(/\s+/g, ' ').trim(), 60);
  return escapeTerminal(`${name}: ${shown}${refused === null ? '' : ` (not changed: ${refused})`}`);
}

/** The changes of all registries as unified diffs. */
export function importDiff({ registries }: RecordsImport, style: Style = plain): string {
  return registries
    .flatMap(({ path, before, after }) =>
      after === undefined ? [] : [unifiedDiff(before ?? '', after, { path, isNew: before === undefined }, style)],
    )
    .join('');
}

/**
 * Everything that was proposed, as JSON: the records of all files in `records`, a summary for each file, and what becomes of each
 * registry: schemas/import.json.
 */
export function importJson(
  { files, refused, registries }: RecordsImport,
  minConfidence: number,
  outcome?: WrittenImport,
): object {
  return {
    schemaVersion: 1,
    records: files.flatMap((file) =>
      file.result.proposals.map((proposal) => recordJson(file, proposal, minConfidence)),
    ),
    files: files.map(({ path, component, result: { ignored, marked, textLines, nothing, proposals } }) => ({
      path,
      component,
      proposals: proposals.length,
      ignored,
      marked,
      textLines,
      nothing,
    })),
    registries: registries.map(({ path, component, sources, before, after, items }) => ({
      path,
      component,
      exists: before !== undefined,
      changes: after !== undefined && after !== before,
      written: outcome?.written.includes(path) ?? false,
      sources,
      items,
    })),
    refused: [...refused, ...(outcome?.refused ?? [])],
  };
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
