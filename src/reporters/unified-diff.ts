import { escapeTerminal, plain, type Style } from './escape-terminal.ts';

export interface DiffNames {
  /** As it is shown, with forward slashes. */
  readonly path: string;
  /** Whether the file does not exist yet. */
  readonly isNew: boolean;
}

/** Lines of context around a change, as diff and git show them. */
const context = 3;

interface Change {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

/**
 * The changes of a text as a unified diff, which `git apply` and `patch` read. Empty if there are none. Control characters are
 * escaped for the terminal, except tabs.
 */
export function unifiedDiff(before: string, after: string, { path, isNew }: DiffNames, style: Style = plain): string {
  if (before === after) return '';
  const changes = compareLines(linesOf(before), linesOf(after));
  const name = escapeTerminal(path);
  const head = [`--- ${isNew ? '/dev/null' : `a/${name}`}`, `+++ b/${name}`].map((line) => style('strong', line));
  const lines = hunksOf(changes).flatMap(({ header, body }) => [
    style('path', header),
    ...body.map((change) => lineText(change, style)),
  ]);
  return `${[...head, ...lines].join('\n')}\n`;
}

/** The lines of a text with their line ends. */
function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

function lineText({ sign, line }: Change, style: Style): string {
  const [, content = '', end = ''] = /^(.*?)(\r?\n?)$/s.exec(line) ?? [];
  const shown = content.split('\t').map(escapeTerminal).join('\t') + end.replace('\n', '');
  const text = end.endsWith('\n') ? sign + shown : `${sign}${shown}\n\\ No newline at end of file`;
  return sign === ' ' ? text : style(sign === '+' ? 'good' : 'error', text);
}

function hunksOf(changes: readonly Change[]): readonly { readonly header: string; readonly body: readonly Change[] }[] {
  const changed = changes.flatMap(({ sign }, index) => (sign === ' ' ? [] : [index]));
  const ranges: { from: number; to: number }[] = [];
  for (const index of changed) {
    const last = ranges.at(-1);
    if (last !== undefined && index - context <= last.to) last.to = Math.min(changes.length, index + context + 1);
    else ranges.push({ from: Math.max(0, index - context), to: Math.min(changes.length, index + context + 1) });
  }
  let [at, old, young] = [0, 0, 0];
  return ranges.map(({ from, to }) => {
    for (; at < from; at += 1) [old, young] = [old + 1, young + 1];
    const body = changes.slice(from, to);
    const gone = body.filter(({ sign }) => sign !== '+').length;
    const come = body.filter(({ sign }) => sign !== '-').length;
    const header = `@@ -${rangeText(old, gone)} +${rangeText(young, come)} @@`;
    [at, old, young] = [to, old + gone, young + come];
    return { header, body };
  });
}

/** Of no lines, the line before them counts. */
function rangeText(before: number, count: number): string {
  return `${count === 0 ? before : before + 1},${count}`;
}

/** Compares by lines that occur once in both texts (patience diff), so that the time grows little more than the texts. */
function compareLines(before: readonly string[], after: readonly string[]): readonly Change[] {
  const changes: Change[] = [];
  const parts: [number, number, number, number][] = [[0, before.length, 0, after.length]];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const [, to, , end] = part;
    let [from, , other] = part;
    while (from < to && other < end && before[from] === after[other]) {
      changes.push({ sign: ' ', line: before[from] ?? '' });
      from += 1;
      other += 1;
    }
    const anchors = anchorsIn(before.slice(from, to), after.slice(other, end));
    const [first] = anchors;
    if (first === undefined) {
      let same = 0;
      while (same < Math.min(to - from, end - other) && before[to - 1 - same] === after[end - 1 - same]) same += 1;
      for (const line of before.slice(from, to - same)) changes.push({ sign: '-', line });
      for (const line of after.slice(other, end - same)) changes.push({ sign: '+', line });
      for (const line of before.slice(to - same, to)) changes.push({ sign: ' ', line });
      continue;
    }
    const next: [number, number, number, number][] = [];
    let [start, begin] = [from, other];
    for (const [old, young] of anchors) {
      next.push([start, from + old, begin, other + young]);
      [start, begin] = [from + old, other + young];
    }
    // The line of an anchor is equal, so each part is smaller than the whole.
    next.push([start, to, begin, end]);
    parts.push(...next.toReversed());
  }
  return changes;
}

/** Positions of lines that occur once in both, in an order that both have. */
function anchorsIn(before: readonly string[], after: readonly string[]): readonly (readonly [number, number])[] {
  const places = new Map<string, { count: number; young: number; found: number }>();
  after.forEach((line, young) => {
    const known = places.get(line);
    if (known === undefined) places.set(line, { count: 1, young, found: 0 });
    else known.count += 1;
  });
  for (const line of before) {
    const known = places.get(line);
    if (known !== undefined) known.found += 1;
  }
  const pairs = before.flatMap((line, old): readonly (readonly [number, number])[] => {
    const known = places.get(line);
    return known?.count === 1 && known.found === 1 ? [[old, known.young]] : [];
  });
  return longestRising(pairs);
}

/** The longest part of some pairs in which the second number rises too. */
function longestRising(pairs: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const ends: number[] = [];
  const previous: (number | undefined)[] = [];
  for (const [index, [, young]] of pairs.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? 0]?.[1] ?? 0) < young) low = middle + 1;
      else high = middle;
    }
    previous.push(low === 0 ? undefined : ends[low - 1]);
    ends[low] = index;
  }
  const found: (readonly [number, number])[] = [];
  for (let at = ends.at(-1); at !== undefined; at = previous[at]) {
    const pair = pairs[at];
    if (pair !== undefined) found.push(pair);
  }
  return found.toReversed();
}
