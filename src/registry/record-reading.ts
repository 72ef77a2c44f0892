import type { Block } from './parse/blocks.ts';
import { createDraft, type RecordContext } from './draft.ts';
import { recordId } from './identity.ts';
import type { KindDeclaration } from './kinds/declaration.ts';
import { kinds } from './kinds/index.ts';
import { readHeader } from './header-reading.ts';
import type { OutlineNode } from './parse/outline.ts';
import type { ProblemRecord } from './record.ts';
import { readSections } from './parse/sections.ts';
import { textFrom } from './sections/section.ts';
import { takeApart } from './sections/shape.ts';
import { valueOf } from './text.ts';

/** Reads one block as its kind declares it. Undefined where it has no title, since then it names no problem. */
export function readRecord(
  block: Block,
  nodes: readonly OutlineNode[],
  context: RecordContext,
): ProblemRecord | undefined {
  const kind: KindDeclaration | undefined = kinds.find((candidate) => candidate.marker === block.marker);
  if (kind === undefined) return undefined;
  const { text, path, component, index, report } = context;
  const shape = takeApart(text, block, nodes, kind.freeForm === true, report);
  if (shape.title === undefined) return undefined;

  const title = text.slice(shape.title.start, shape.title.end);
  const draft = createDraft(index, { kind: kind.name, id: recordId(component, title), title, component, path });
  draft.place('title', shape.title);
  for (const node of shape.stray) draft.keep('text', valueOf(text, node).text);
  readHeader(shape, kind, draft, context);
  readSections(shape, kind, draft, context);
  for (const part of shape.rest) {
    const name = text.slice(part.title.start, part.title.end);
    draft.keep(name === '' ? 'text' : name, textFrom(text, part.nodes));
  }
  const record = Object.assign(draft.values, {
    place: index.place(block),
    places: draft.places,
    extra: draft.extra,
  });
  return isRecord(record) ? record : undefined;
}

/**
 * The types of `RecordOf` are computed from the declarations that `readHeader` and `readSections` have just followed
 * at run time; the compiler cannot see that the two walks are the same, test/registry/schema.test.ts does.
 */
function isRecord(record: object): record is ProblemRecord {
  return 'kind' in record && kinds.some((kind) => kind.name === record.kind);
}
