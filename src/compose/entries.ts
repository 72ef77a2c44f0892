import { type ComposeFile, type Edit, find, type Found, itemsOf, literalOf } from './document.ts';

/** New entries of mappings and lists of a Compose file, which keep every other byte. Pure. */

/** Before the first entry, with its indentation. Undefined: the mapping is shared, empty, or has no line of its own. */
export function entryEdit({ yaml, file }: ComposeFile, { node, isShared }: Found, entry: string): Edit | undefined {
  if (!yaml.isMap(node) || isShared) return undefined;
  const first = node.items[0]?.key;
  const at = yaml.isScalar(first) ? first.range?.[0] : undefined;
  if (at === undefined) return undefined;
  if (node.flow === true) return { at, before: '', after: `${entry}, ` };
  const indentation = lineStart(file.text, at);
  return /^ +$/.test(indentation)
    ? { at, before: '', after: `${entry}${lineEnd(file.text)}${indentation}` }
    : undefined;
}

/** Before the first item, with its indentation. Undefined: the list is shared, empty, or has no line of its own. */
export function itemEdit({ yaml, file }: ComposeFile, { node, isShared }: Found, item: string): Edit | undefined {
  if (!yaml.isSeq(node) || isShared) return undefined;
  const first = node.items[0];
  const at = yaml.isNode(first) ? first.range?.[0] : undefined;
  if (at === undefined) return undefined;
  if (node.flow === true) return { at, before: '', after: `${item}, ` };
  const indentation = lineStart(file.text, at);
  return /^ *- +$/.test(indentation)
    ? { at, before: '', after: `${item}${lineEnd(file.text)}${indentation}` }
    : undefined;
}

/** In a section such as `networks`, which is added at the end of the file if there is none. */
export function sectionEdit(compose: ComposeFile, section: string, entry: string): Edit | undefined {
  const { text } = compose.file;
  const found = find(compose, [section]);
  if (found !== undefined) return entryEdit(compose, found, entry);
  const root = compose.document.contents;
  if (compose.yaml.isMap(root) && root.flow === true)
    return entryEdit(compose, { node: root, isShared: false }, `${section}: {${entry}}`);
  const end = lineEnd(text);
  // Behind the marker of an end, it would be another document.
  if (/^\.\.\.\s*$/m.test(text)) return undefined;
  return {
    at: text.length,
    before: '',
    after: `${text.endsWith('\n') ? '' : end}${section}:${end}  ${entry}${end}`,
  };
}

/** The items of a list that are plain words; undefined if one is something else, or if there are comments between them. */
export function wordsOf(compose: ComposeFile, list: Found): readonly string[] | undefined {
  const { range } = list.node;
  if (range === undefined || range === null || compose.file.text.slice(range[0], range[1]).includes('#'))
    return undefined;
  const words = itemsOf(compose, list).map(({ node }) => literalOf(compose, node)?.text);
  return words.every((word) => word !== undefined) ? words : undefined;
}

/** A name as a key or a word: in quotes if YAML could read it as something else. */
export function plainWord(name: string): string {
  const isPlain = /^[A-Za-z][\w.-]*$/.test(name) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(name);
  return isPlain ? name : JSON.stringify(name);
}

function lineStart(text: string, at: number): string {
  return text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
}

function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
