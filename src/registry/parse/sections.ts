import type { Draft, RecordContext } from '../draft.ts';
import type { KindDeclaration, SectionDeclaration } from '../kinds/declaration.ts';
import { lookupKind } from '../kinds/lookup.ts';
import { quote } from '../report.ts';
import { trim, valueOf } from '../text.ts';
import { reportUnknownName } from '../unknown-name.ts';
import { readTags } from '../values/header-value.ts';
import { reportPlaceholder } from '../values/placeholder.ts';
import { readFields } from '../sections/fields.ts';
import { readList } from '../sections/list.ts';
import { type NamedSection, textOf } from '../sections/section.ts';
import type { Shape } from '../sections/shape.ts';
import { readYamlSection } from '../sections/yaml.ts';

/** Reads the `####` sections of a record. */
export function readSections(shape: Shape, kind: KindDeclaration, draft: Draft, context: RecordContext): void {
  const { text, report } = context;
  const { sections } = lookupKind(kind);
  const seen = new Set<string>();
  for (const section of shape.sections) {
    const name = text.slice(section.title.start, section.title.end);
    const known = sections.find(name);
    if (known === undefined) {
      if (kind.freeForm !== true) {
        reportUnknownName(
          'section-unknown',
          section.title,
          name,
          sections,
          `a section of ${kind.name} records`,
          report,
        );
      }
      draft.keep(name, textOf(text, section.nodes));
    } else if (seen.has(known.property)) {
      report.add('section-repeated', section.title, {
        message: `The section ${quote(name)} stands twice; the first one counts.`,
      });
      draft.keep(name, textOf(text, section.nodes));
    } else {
      seen.add(known.property);
      const named = { ...section, name, property: known.property, freeForm: kind.freeForm === true };
      readSection(named, known.entry, draft, context);
    }
  }
  const missing = sections.all.filter(({ property, entry }) => entry.required === true && !seen.has(property));
  if (missing.length > 0 && shape.title !== undefined) {
    report.add('section-missing', shape.title, {
      message: `This record has no section ${missing.map(({ label }) => label).join(', ')}.`,
      hint: `Add ${missing.map(({ label }) => `#### ${label}`).join(', ')}.`,
    });
  }
}

function readSection(
  section: NamedSection,
  declaration: SectionDeclaration,
  draft: Draft,
  context: RecordContext,
): void {
  const { nodes } = section;
  const [first] = nodes;
  const last = nodes.at(-1);
  if (first === undefined || last === undefined) return reportEmpty(section, declaration, context);
  const whole = trim(context.text, { start: first.start, end: last.end });
  draft.place(section.property, whole);
  switch (declaration.holds) {
    case 'prose': {
      const prose = valueOf(context.text, whole);
      if (prose.text === '') return reportEmpty(section, declaration, context);
      if (!reportPlaceholder(prose.text, prose, context.report)) draft.values[section.property] = prose.text;
      return;
    }
    case 'tags': {
      const tags = readTags(valueOf(context.text, whole), context.report);
      if (tags !== undefined) draft.values[section.property] = tags;
      return;
    }
    case 'list':
      readList(section, nodes, draft, context);
      return;
    case 'fields':
      readFields(section, nodes, declaration, draft, context);
      return;
    case 'yaml':
      readYamlSection(section, nodes, declaration, draft, context);
  }
}

function reportEmpty(section: NamedSection, declaration: SectionDeclaration, { report }: RecordContext): void {
  if (declaration.required !== true) return;
  report.add('section-missing', section.title, {
    message: `The section ${quote(section.name)} is empty.`,
    hint: 'Write what it should say.',
  });
}
