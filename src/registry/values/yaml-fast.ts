import type { Span } from '../position.ts';
import { forbiddenKeys, limits, type YamlEntry, type YamlMapping, type YamlScalar, type YamlValue } from './yaml.ts';

/** `key:` or `- `, then nothing, words without characters that are special in YAML, or text in double quotes without escapes; then a comment. */
const entryPattern =
  /^(?<indent> *)(?:(?<dash>- )|(?<key>[A-Za-z_][A-Za-z0-9_-]{0,99}):(?: +|$))(?:(?<words>[A-Za-z0-9][A-Za-z0-9._%/-]*(?: [A-Za-z0-9._%/-]+)*)|"(?<quoted>[ !#-[\]-~\u00A0-\u2027\u202A-\uD7FF]*)")?(?<comment>(?:^| +)#[ -~\u00A0-\u2027\u202A-\uD7FF]*)?$/;

const blank = /^ *(?:#[ -~\u00A0-\u2027\u202A-\uD7FF]*)?$/;

interface Line {
  readonly indent: number;
  readonly dash: number | undefined;
  readonly key: YamlScalar | undefined;
  /** Undefined if nothing follows the key. */
  readonly value: YamlScalar | undefined;
}

/**
 * Reads a yaml block in the form that registries have in practice: keys at column 0 with a word, a number or a quoted text,
 * or with a list or a mapping of those indented below. Gives the same values and places as js-yaml, without loading it.
 * Undefined for any other block.
 */
export function readPlainYaml(text: string, content: Span): YamlMapping | undefined {
  const lines = readLines(text, content);
  if (lines === undefined || lines[0]?.key === undefined || lines.length > limits.values / 4) return undefined;
  const entries: YamlEntry[] = [];
  let end = content.start;
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    at += 1;
    if (line?.key === undefined || line.indent !== 0) return undefined;
    const below: Line[] = [];
    for (let next = lines[at]; next !== undefined && next.indent > 0; next = lines[at]) {
      below.push(next);
      at += 1;
    }
    const value = valueOf(line.key, line.value, below);
    if (value === undefined) return undefined;
    entries.push({ key: line.key, value });
    end = value.end;
  }
  return { type: 'mapping', start: lines[0].key.start, end, entries };
}

function valueOf(key: YamlScalar, value: YamlScalar | undefined, below: readonly Line[]): YamlValue | undefined {
  const [first] = below;
  if (first === undefined)
    return value ?? { type: 'scalar', start: key.end + 1, end: key.end + 1, text: '', plain: true };
  if (value !== undefined || below.some(({ indent }) => indent !== first.indent)) return undefined;
  if (first.dash !== undefined) {
    const items = below.flatMap((line) => (line.dash !== undefined && line.value !== undefined ? [line.value] : []));
    const end = items.at(-1)?.end;
    return items.length === below.length && end !== undefined
      ? { type: 'sequence', flow: false, start: first.dash, end, items }
      : undefined;
  }
  const entries = below.flatMap((line) =>
    line.key !== undefined && line.value !== undefined ? [{ key: line.key, value: line.value }] : [],
  );
  const end = entries.at(-1)?.value.end;
  return entries.length === below.length && first.key !== undefined && end !== undefined
    ? { type: 'mapping', start: first.key.start, end, entries }
    : undefined;
}

function readLines(text: string, content: Span): readonly Line[] | undefined {
  const lines: Line[] = [];
  for (let start = content.start; start < content.end;) {
    const feed = text.indexOf('\n', start);
    const stop = feed === -1 || feed >= content.end ? content.end : feed;
    let end = text.charAt(stop - 1) === '\r' && feed === stop ? stop - 1 : stop;
    while (end > start && text.charAt(end - 1) === ' ') end -= 1;
    const raw = text.slice(start, end);
    if (!blank.test(raw)) {
      const line = readLine(raw, start);
      if (line === undefined) return undefined;
      lines.push(line);
    }
    start = stop + 1;
  }
  return lines;
}

function readLine(raw: string, start: number): Line | undefined {
  const groups = entryPattern.exec(raw)?.groups;
  if (groups === undefined || forbiddenKeys.has(groups['key'] ?? '')) return undefined;
  const { indent = '', dash, key, words, quoted, comment = '' } = groups;
  const at = start + indent.length;
  const written = words ?? quoted;
  const end = start + raw.length - comment.length;
  const marks = quoted === undefined ? 0 : 2;
  return {
    indent: indent.length,
    dash: dash === undefined ? undefined : at,
    key: key === undefined ? undefined : { type: 'scalar', start: at, end: at + key.length, text: key, plain: true },
    value:
      written === undefined
        ? undefined
        : { type: 'scalar', start: end - written.length - marks, end, text: written, plain: words !== undefined },
  };
}
