import type { Event, ScalarEvent } from 'js-yaml';

/** Where a value stands in its text. `end` is the end of its last scalar: of a collection, the bracket comes after it. */
export interface YamlNode {
  /** -1 where nothing is written, as in `key:`. */
  readonly start: number;
  readonly end: number;
  readonly form: 'line' | 'block' | 'mapping' | 'flow-mapping' | 'other';
  /** Of a mapping. */
  readonly pairs: readonly YamlPair[];
}

export interface YamlPair {
  readonly key: YamlNode;
  /** The key as it is written, without quotes. */
  readonly name: string;
  readonly value: YamlNode;
}

/**
 * The one document of a text as nodes with offsets. Its nesting is bounded by what `parseTask` lets through.
 * @throws whatever the YAML is wrong about.
 */
export async function outlineYaml(text: string): Promise<YamlNode> {
  const { parseEvents, EVENT_ID, SCALAR_STYLE, COLLECTION_STYLE } = await import('js-yaml');
  const events = parseEvents(text, { maxDepth: 50 });
  // The first event opens the document.
  let at = 1;

  function read(): YamlNode {
    const event = events[at];
    at += 1;
    if (event?.type === EVENT_ID.SCALAR) return scalar(event);
    if (event?.type === EVENT_ID.MAPPING) {
      const pairs = readPairs();
      const form = event.style === COLLECTION_STYLE.FLOW ? 'flow-mapping' : 'mapping';
      return {
        start: event.start,
        end: endOf(
          pairs.flatMap(({ key, value }) => [key, value]),
          event.start,
        ),
        form,
        pairs,
      };
    }
    if (event?.type === EVENT_ID.SEQUENCE) {
      const items: YamlNode[] = [];
      while (!closes(events[at])) items.push(read());
      at += 1;
      return { start: event.start, end: endOf(items, event.start), form: 'other', pairs: [] };
    }
    throw new TypeError('it holds an alias');
  }

  function readPairs(): readonly YamlPair[] {
    const pairs: YamlPair[] = [];
    while (!closes(events[at])) {
      const first = events[at];
      const key = read();
      const name = first?.type === EVENT_ID.SCALAR ? text.slice(first.valueStart, first.valueEnd) : '';
      pairs.push({ key, name, value: read() });
    }
    at += 1;
    return pairs;
  }

  function closes(event: Event | undefined): boolean {
    return event === undefined || event.type === EVENT_ID.POP;
  }

  function scalar(event: ScalarEvent): YamlNode {
    const { valueStart, valueEnd, anchorStart, anchorEnd, tagStart, tagEnd, style } = event;
    const quote = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
    const starts = [valueStart - quote, anchorStart, tagStart].filter((offset) => offset >= 0);
    const block = style === SCALAR_STYLE.LITERAL_BLOCK || style === SCALAR_STYLE.FOLDED_BLOCK;
    return {
      start: starts.length === 0 ? -1 : Math.min(...starts),
      end: Math.max(valueEnd + quote, anchorEnd, tagEnd),
      form: block ? 'block' : 'line',
      pairs: [],
    };
  }

  return read();
}

function endOf(nodes: readonly YamlNode[], start: number): number {
  return nodes.reduce((end, node) => Math.max(end, node.end), start);
}
