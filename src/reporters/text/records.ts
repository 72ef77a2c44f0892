import type { ProblemRecord } from '../../registry/record.ts';
import type { Style } from '../style.ts';
import { visible, visibleLines } from '../escape-terminal.ts';

const shownApart: ReadonlySet<string> = new Set(['title', 'place', 'places', 'extra', 'path']);

/** Everything a record says, under the property names that the library and the JSON use. */
export function recordText(record: ProblemRecord, style: Style): string {
  const { title, path, place, extra } = record;
  const properties = Object.entries(record).filter(([name]) => !shownApart.has(name));
  const written = Object.entries(extra).map(([label, text]) => block(`extra: ${visible(label)}`, text, style));
  return [
    `${style('strong', visible(title))}\n`,
    `${style('path', `${visible(path)}:${place.line}`)}\n\n`,
    ...properties.map(([name, value]) => block(name, value, style)),
    ...written,
  ].join('');
}

function block(name: string, value: unknown, style: Style): string {
  const lines = linesOf(value);
  const [only = '', ...more] = lines;
  if (more.length === 0 && typeof value !== 'object') return `${style('faint', `${name}:`)} ${only}\n`;
  return `${style('faint', `${name}:`)}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`;
}

function linesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => hanging('- ', linesOf(item)));
  if (typeof value !== 'object' || value === null) return visibleLines(String(value)).split('\n');
  return Object.entries(value).flatMap(([name, part]) => {
    const lines = linesOf(part);
    return lines.length === 1 && typeof part !== 'object'
      ? [`${visible(name)}: ${lines[0] ?? ''}`]
      : [`${visible(name)}:`, ...lines.map((line) => `  ${line}`)];
  });
}

function hanging(mark: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => (at === 0 ? mark : ' '.repeat(mark.length)) + line);
}
