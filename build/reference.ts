import { diagnosticCatalogue } from '../src/registry/diagnostics.ts';
import { blankRecord } from '../src/registry/kinds/blank.ts';
import type { HeaderType, KindDeclaration, SectionDeclaration, YamlType } from '../src/registry/kinds/declaration.ts';
import { kinds } from '../src/registry/kinds/index.ts';
import { propertyName } from '../src/registry/names.ts';

const notice = '<!-- Generated from the declarations in src/registry by `npm run generate`. Do not edit. -->';

/** docs/reference/kinds.md: every kind with its labels, sections, terms and a blank record. */
export function kindsReference(): string {
  return [
    notice,
    '# Kinds of record',
    kinds.map((kind) => `- [${kind.name}](#${kind.name}): ${kind.about}`).join('\n'),
    ...kinds.map(kindPage),
  ].join('\n\n');
}

/** docs/reference/diagnostics.md: every diagnostic with its severity, what it means and what to do. */
export function diagnosticsReference(): string {
  const entries = Object.entries(diagnosticCatalogue).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    notice,
    '# Diagnostics',
    'Codes are stable: one is never renamed or used for something else. An error makes `problems scan` and `problems validate` exit with 1, a warning only under `--strict` or beyond `--max-warnings`.',
    ...entries.map(([code, { severity, summary, hint }]) => `## ${code}\n\n**${severity}.** ${summary} ${hint}`),
  ].join('\n\n');
}

function kindPage(kind: KindDeclaration): string {
  return [
    `## ${kind.name}`,
    `${kind.about} Marker: \`${kind.marker}\`.${kind.freeForm === true ? ' Further `###` headings are allowed and kept.' : ''}`,
    '### Header',
    table(
      ['Label', 'Property', 'Holds', 'About'],
      Object.entries(kind.header).map(([label, slot]) => [
        label + (slot.required === true ? ' \\*' : ''),
        `\`${propertyName(label)}\``,
        typeText(slot.value),
        slot.about,
      ]),
    ),
    '### Sections',
    table(
      ['Section', 'Property', 'Holds', 'About'],
      Object.entries(kind.sections).map(([title, section]) => [
        title + (section.required === true ? ' \\*' : ''),
        `\`${propertyName(title)}\``,
        sectionText(section),
        section.about,
      ]),
    ),
    '\\* A record without it gets a warning.',
    '### Blank record',
    `\`\`\`\`markdown\n${blankRecord(kind).trimEnd()}\n\`\`\`\``,
  ].join('\n\n');
}

function sectionText(section: SectionDeclaration): string {
  switch (section.holds) {
    case 'prose':
      return 'prose';
    case 'list':
      return section.ordered ? 'an ordered list' : 'a list';
    case 'tags':
      return 'tags';
    case 'fields':
      return `fields: ${Object.keys(section.fields)
        .map((label) => `${label} (\`${propertyName(label)}\`)`)
        .join(', ')}`;
    case 'yaml':
      return `yaml: ${Object.entries(section.keys)
        .map(([key, slot]) => `\`${key}\` (${typeText(slot.value)})`)
        .join(', ')}`;
  }
}

function typeText(type: HeaderType | YamlType): string {
  switch (type.type) {
    case 'term':
      return Object.entries(type.terms)
        .map(([term, meaning]) => `\`${term}\` (${meaning})`)
        .join(', ');
    case 'number':
      return `a number from ${type.minimum} to ${type.maximum}`;
    case 'date':
      return type.time ? 'a date, with a time where known' : 'a date';
    case 'words':
      return 'words between commas';
    case 'tags':
      return 'tags';
    case 'texts':
      return 'a list of texts';
    case 'text-map':
      return 'names with texts';
    case 'text':
      return 'text';
    case 'id':
      return 'an id';
  }
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
