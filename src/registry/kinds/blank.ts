import type { HeaderType, KindDeclaration, SectionDeclaration, Slot, YamlType } from './declaration.ts';

/** The title of a blank record, which is a placeholder until someone replaces it. */
export const blankTitle = 'Title of the record';

/**
 * A blank record of a kind, with its markers, all labels and all sections. Terms are written `[a|b]` and dates
 * `YYYY-MM-DD`, which the reader reports as placeholders until they are filled in. All other values are comments, which
 * the reader ignores. Ends with a line feed.
 */
export function blankRecord(kind: KindDeclaration): string {
  const header = Object.entries(kind.header)
    .filter(([label]) => label !== 'ID' && label !== 'Tags')
    .map(([label, slot]) => `**${label}:** ${headerExample(slot)}`);
  const sections = Object.entries(kind.sections).map(([title, section]) => ({ title, body: sectionExample(section) }));
  return recordText(kind, blankTitle, header, sections);
}

/** A record in the form that formatters of Markdown leave as it is: with blank lines around headings. */
export function recordText(
  kind: KindDeclaration,
  title: string,
  header: readonly string[],
  sections: readonly { readonly title: string; readonly body: string }[],
): string {
  return `${[
    `<!-- EMBED:${kind.marker}:START -->`,
    `### ${title}`,
    ...(header.length === 0 ? [] : [header.join('\n')]),
    ...sections.flatMap((section) => [`#### ${section.title}`, section.body]),
    `<!-- EMBED:${kind.marker}:END -->`,
  ].join('\n\n')}\n`;
}

export function headerExample(slot: Slot<HeaderType>): string {
  switch (slot.value.type) {
    case 'term':
      return `[${Object.keys(slot.value.terms).join('|')}]`;
    case 'date':
      return slot.value.time ? 'YYYY-MM-DD HH:MM' : 'YYYY-MM-DD';
    case 'words':
      return '[first|second]';
    default:
      return comment(slot.about);
  }
}

export function sectionExample(section: SectionDeclaration): string {
  switch (section.holds) {
    case 'prose':
      return comment(section.about);
    case 'list':
      return section.ordered ? `1. ${comment(section.about)}` : `- ${comment(section.about)}`;
    case 'tags':
      return comment(section.about);
    case 'fields':
      return Object.entries(section.fields)
        .map(
          ([label, about], position) =>
            `${section.ordered === true ? `${position + 1}.` : '-'} **${label}:** ${comment(about)}`,
        )
        .join('\n');
    case 'yaml':
      return [
        '```yaml',
        ...Object.entries(section.keys).map(([key, slot]) => `${key}: ${yamlExample(slot)}`),
        '```',
      ].join('\n');
  }
}

function comment(about: string): string {
  return `<!-- ${about} -->`;
}

export function yamlExample(slot: Slot<YamlType>): string {
  switch (slot.value.type) {
    case 'term':
      return `[${Object.keys(slot.value.terms).join('|')}]`;
    case 'number':
      return `[${slot.value.minimum}-${slot.value.maximum}]`;
    default:
      return `# ${slot.about}`;
  }
}
