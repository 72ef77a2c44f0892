/** What a task file holds, by key. */
export type TaskValues = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is TaskValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads the YAML of one task. Times stay text, and anchors are refused, so that a small file cannot become a large one.
 * @throws whatever the YAML is wrong about, in words for people.
 */
export async function parseTask(text: string): Promise<TaskValues> {
  const { load } = await import('js-yaml');
  const value = load(text, { maxDepth: 50, maxAliases: 0 });
  if (!isMapping(value)) throw new TypeError('it holds no keys and values');
  return value;
}

/**
 * Writes the YAML of one task: keys in their order at column 0, the title in double quotes and on one line, because the
 * swarm-manager's command line reads `id:`, `title: "…"`, `type:` and `priority_score:` by grep.
 */
export async function formatTask(values: TaskValues): Promise<string> {
  const { dump, DUMP_SCHEMA, SCALAR_STYLE, Schema, timestampTag } = await import('js-yaml');
  return dump(values, {
    // Times are plain, as the swarm-manager writes them.
    schema: new Schema(DUMP_SCHEMA.tags.filter((tag) => tag !== timestampTag)),
    lineWidth: -1,
    noRefs: true,
    quoteStyle: 'double',
    transform(documents) {
      for (const { contents } of documents) {
        if (contents?.kind !== 'mapping') continue;
        for (const { key, value } of contents.items) {
          if (key.kind === 'scalar' && key.value === 'title' && value.kind === 'scalar') {
            value.style = SCALAR_STYLE.DOUBLE_QUOTED;
          }
        }
      }
    },
  });
}
