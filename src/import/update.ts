import { ProblemsError } from '../errors.ts';
import { applyEdits, type NewValue, setField, setHeader, setList, setProse } from '../registry/edit/index.ts';
import type { KindDeclaration } from '../registry/kinds/declaration.ts';
import { kinds } from '../registry/kinds/index.ts';
import { valueOf } from '../registry/names.ts';
import { type ImportOrigin, originOf, withOrigin } from '../registry/origin.ts';
import { readRegistry } from '../registry/parse/read.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { ReadOptions } from '../registry/registry.ts';
import { hashAt, type ImportedRecord, pathOf, textHash } from './render.ts';

/** A value that the source of a record states differently than when it was imported. */
export interface ImportChange {
  /** The label, section or field, such as `Status` or `Investigation Status.Root Cause`; `kind` for the kind of the record. */
  readonly name: string;
  /** What the source says now. */
  readonly value: string;
  /** Null: the record says it now. Otherwise why it does not. */
  readonly refused: string | null;
}

export interface UpdatedText {
  readonly text: string;
  readonly changes: readonly ImportChange[];
}

const wasEdited = 'someone has edited it since it was imported';

/**
 * Brings a record up to date with its source. A value is only changed if it is still the one that was imported; a value that
 * the source no longer states stays.
 * @param imported What the source would be as a new record.
 */
export function updateRecord(
  text: string,
  record: ProblemRecord,
  origin: ImportOrigin,
  imported: ImportedRecord,
  kind: string,
  options: ReadOptions,
): UpdatedText {
  if (origin.lines === imported.origin.lines && origin.from === imported.origin.from) return { text, changes: [] };
  const changed =
    record.kind === kind
      ? changeValues(text, record, origin, imported, options)
      : changeKind(text, record, origin, imported, kind, options);
  const isClosed =
    changed.changes.some(({ name, refused }) => name === 'Status' && refused === null) && kind === 'resolved';
  const isRewritten = changed.changes.some(({ name, refused }) => name === 'kind' && refused === null);
  const values: Readonly<Record<string, string>> = {
    ...(isRewritten ? {} : origin.values),
    ...imported.origin.values,
    ...(isClosed && { status: textHash('resolved') }),
  };
  const isNoted =
    origin.from !== imported.origin.from || Object.keys(values).some((path) => values[path] !== origin.values[path]);
  if (!isNoted) return changed;
  const noted = { ...imported.origin, kept: true, values };
  return { ...changed, text: inRecord(changed.text, record.id, options, (block) => withOrigin(block, noted)) };
}

function changeValues(
  text: string,
  record: ProblemRecord,
  origin: ImportOrigin,
  imported: ImportedRecord,
  options: ReadOptions,
): UpdatedText {
  const changes: ImportChange[] = [];
  const declaration: KindDeclaration | undefined = kinds.find(({ name }) => name === record.kind);
  let after = text;
  for (const name of new Set(imported.values.map(([one]) => one))) {
    const path = pathOf(name);
    const [wanted, before, here] = [imported.origin.values[path], origin.values[path], hashAt(record, path)];
    if (wanted === before || wanted === here) continue;
    const values = imported.values.filter(([one]) => one === name);
    const value = values.map(([, said]) => said).join('\n');
    let refused: string | null = wasEdited;
    if (here === before) {
      try {
        after = setValue(after, record.id, declaration, name, values, options);
        refused = null;
      } catch (error) {
        if (!(error instanceof ProblemsError)) throw error;
        refused = error.message;
      }
    }
    changes.push({ name, value, refused });
  }
  return { text: after, changes };
}

function setValue(
  text: string,
  id: string,
  kind: KindDeclaration | undefined,
  name: string,
  values: readonly NewValue[],
  options: ReadOptions,
): string {
  const said = values.map(([, value]) => value).join('\n');
  const [title = '', field] = name.split('.');
  if (kind !== undefined && Object.hasOwn(kind.header, name))
    return setHeader(text, id, name, name === 'Tags' ? `[#${said}]` : said, options);
  const plain = valueOf(said, { start: 0, end: said.length }).text;
  if (field !== undefined) return setField(text, id, title, field, plain, options);
  if (kind?.sections[title]?.holds === 'prose') return setProse(text, id, title, said, options);
  return setList(
    text,
    id,
    title,
    values.map(([, value]) => value),
    options,
  );
}

/**
 * An open problem that is now resolved, or the other way round. A record that no one has touched is rewritten in its other
 * kind. Otherwise only its status is set, since the other kind has no place for what was added.
 */
function changeKind(
  text: string,
  record: ProblemRecord,
  origin: ImportOrigin,
  imported: ImportedRecord,
  kind: string,
  options: ReadOptions,
): UpdatedText {
  if (imported.origin.values['kind'] === origin.values['kind'])
    return { text, changes: otherValues(origin, imported, `the record is ${record.kind} now`) };
  if (isAsImported(text, record, origin)) {
    const title = record.places['title'];
    const written = title === undefined ? record.title : text.slice(title.offset, title.endOffset);
    const block = imported.block.replace(/^### .*$/m, () => `### ${written.replaceAll(/\s*[\r\n]+\s*/g, ' ')}`);
    const after = inRecord(text, record.id, options, () => block);
    const again = readRegistry(after, options).records.find(({ id }) => id === record.id);
    if (again?.kind === kind) return { text: after, changes: [{ name: 'kind', value: kind, refused: null }] };
  }
  if (!(record.kind === 'active' && kind === 'resolved' && hasImportedStatus(record, origin)))
    return { text, changes: [{ name: 'kind', value: kind, refused: wasEdited }] };
  const change = { name: 'Status', value: 'resolved' };
  try {
    const after = setHeader(text, record.id, 'Status', 'resolved', options);
    return { text: after, changes: [{ ...change, refused: null }] };
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    return { text, changes: [{ ...change, refused: error.message }] };
  }
}

/** Whether no one has changed the status; to write down that an open problem is active changes nothing. */
function hasImportedStatus(record: ProblemRecord, { values }: ImportOrigin): boolean {
  const status = hashAt(record, 'status');
  return status === values['status'] || (values['status'] === undefined && status === textHash('active'));
}

function otherValues(origin: ImportOrigin, imported: ImportedRecord, refused: string): readonly ImportChange[] {
  return imported.values
    .filter(([name]) => imported.origin.values[pathOf(name)] !== origin.values[pathOf(name)])
    .map(([name, value]) => ({ name, value, refused }));
}

/** Whether a record says what was imported and nothing else. */
function isAsImported(text: string, record: ProblemRecord, origin: ImportOrigin): boolean {
  const block = text.slice(record.place.offset, record.place.endOffset);
  const paths = new Set(Object.keys(origin.values));
  const isKnown = (path: string): boolean =>
    path === 'title' ||
    path === 'id' ||
    [...paths].some((one) => `${one}.`.startsWith(`${path}.`) || `${path}.`.startsWith(`${one}.`));
  return (
    // START, END and the origin.
    block.split('<!--').length === 4 &&
    Object.keys(record.extra).length === 0 &&
    Object.keys(record.places).every(isKnown) &&
    [...paths].every((path) => hashAt(record, path) === origin.values[path])
  );
}

/** Changes the block of a record, markers included; every other byte stays. */
function inRecord(text: string, id: string, options: ReadOptions, change: (block: string) => string): string {
  const record = readRegistry(text, options).records.find((one) => one.id === id);
  if (record === undefined || originOf(text, record) === undefined) return text;
  const { offset: start, endOffset: end } = record.place;
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const block = change(text.slice(start, end)).replaceAll(/\r\n|\n/g, eol);
  return applyEdits(text, [{ start, end, text: block }]);
}
