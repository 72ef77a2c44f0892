import { defineCommand } from '../command.ts';
import { widthFor } from '../render.ts';
import { configFor, lookUpArguments, lookUpOptions } from '../shared-options.ts';

export const explain = defineCommand({
  name: 'explain',
  group: 'tasks',
  summary: 'Explain the priority of a problem, and what would move it up one place.',
  about:
    'If a record has several tasks, the first one is explained. With the priority profile `learned` each factor comes with the ' +
    'attempts behind it, and with the score that the task would have without them: see docs/learning.md.',
  arguments: lookUpArguments,
  options: lookUpOptions,
  examples: [{ command: 'problems explain postgres/port-allocation-conflicts', about: 'every factor and its source' }],
  exitCodes: [
    { code: 0, about: 'the task was explained' },
    { code: 2, about: 'there is no such record or task, or the record has no task' },
  ],
  async run(invocation) {
    const { out } = invocation.screen;
    const {
      arguments: [id = '', ...paths],
      options,
      cwd,
      now,
      signal,
    } = invocation;
    const { explainTask } = await import('../../app/find-record.ts');
    const config = await configFor(options, cwd);
    const { task, explanation, learned } = await explainTask(id, { paths, config, cwd, now, signal, cache: true });
    if (options.json) {
      const { toJson, taskJson } = await import('../../reporters/json.ts');
      const { rank, of, above, changes, waiting } = explanation;
      const more = learned === undefined ? {} : { learned };
      out.write(toJson({ schemaVersion: 1, task: taskJson(task), rank, of, above, changes, waiting, ...more }));
      return 0;
    }
    const { explanationText } = await import('../../reporters/text/records.ts');
    out.write(explanationText(task, explanation, out.style, widthFor(out), learned));
    return 0;
  },
});
