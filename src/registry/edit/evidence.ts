import { ProblemsError } from '../../errors.ts';
import { propertyName } from '../names.ts';
import type { ReadOptions } from '../registry.ts';
import { quote } from '../report.ts';
import { applyEdits, endOfLine, lineEndOf, startOfLine } from './edits.ts';
import { addSection } from './section.ts';
import { confirmed, findTarget, valueAt } from './target.ts';

const title = 'Evidence';
const key = 'error_messages';

/**
 * Puts a message before the others under `error_messages` of `Evidence`, adding the key or the section where it is
 * missing. The items that are there, and their comments, stay as they are written.
 * @throws ProblemsError `not-found` for an id, `bad-usage` for a kind without evidence, or a list written in a form
 * that nothing can be added to.
 */
export function addErrorMessage(text: string, id: string, message: string, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  const section = target.kind.sections[title];
  if (section?.holds !== 'yaml' || !Object.hasOwn(section.keys, key))
    throw new ProblemsError('bad-usage', `${target.kind.name} records have no ${quote(key)}.`);
  const property = propertyName(title);
  const path = `${property}.${propertyName(key)}`;
  const { places } = target.record;
  const [place, fence] = [places[path], places[property]];
  const eol = lineEndOf(text);
  const item = yamlText(message);
  let after: string;
  if (fence === undefined) {
    after = addSection(text, target, title, ['```yaml', `${key}:`, `  - ${item}`, '```'].join(eol));
  } else if (place === undefined) {
    const at = startOfLine(text, fence.endOffset);
    after = applyEdits(text, [{ start: at, end: at, text: `${key}:${eol}  - ${item}${eol}` }]);
  } else if (/^(?:null|~)?$/.test(text.slice(place.offset, place.endOffset))) {
    // A comment behind the key stays.
    const at = endOfLine(text, place.endOffset);
    after = applyEdits(text, [
      { start: place.offset, end: place.endOffset, text: '' },
      { start: at, end: at, text: `${eol}  - ${item}` },
    ]);
  } else if (text.charAt(place.offset) === '[') {
    const at = place.offset + 1;
    after = applyEdits(text, [{ start: at, end: at, text: `${item}, ` }]);
  } else {
    const indent = text.slice(startOfLine(text, place.offset), place.offset);
    after = applyEdits(text, [{ start: place.offset, end: place.offset, text: `- ${item}${eol}${indent}` }]);
  }
  const known: unknown = valueAt(target.record, path);
  const wanted = JSON.stringify([message].concat(Array.isArray(known) ? known.map(String) : []));
  return confirmed(
    target,
    after,
    options,
    (record) => record !== undefined && JSON.stringify(valueAt(record, path)) === wanted,
  );
}

/** A double-quoted YAML scalar of one line that holds neither a fence nor a comment. */
export function yamlText(text: string): string {
  return JSON.stringify(text).replaceAll('`', '\\u0060').replaceAll('<', '\\u003c');
}
