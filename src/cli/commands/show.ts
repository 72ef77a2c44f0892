import { defineCommand } from '../command.ts';
import { configFor, lookUpArguments, lookUpOptions } from '../shared-options.ts';

export const show = defineCommand({
  name: 'show',
  group: 'registry',
  summary: 'Show a record in full, with its tasks and diagnostics.',
  arguments: lookUpArguments,
  options: lookUpOptions,
  examples: [
    { command: 'problems show postgres/port-allocation-conflicts', about: 'one record' },
    { command: 'problems show port-allocation-conflicts resources', about: 'by the last part of its id' },
  ],
  exitCodes: [
    { code: 0, about: 'the record was printed' },
    { code: 2, about: 'there is no such record or task' },
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
    const { findRecord } = await import('../../app/find-record.ts');
    const config = await configFor(options, cwd);
    const { record, tasks, diagnostics } = await findRecord(id, { paths, config, cwd, now, signal, cache: true });
    if (options.json) {
      const { diagnosticJson, toJson, taskJson } = await import('../../reporters/json.ts');
      out.write(
        toJson({ schemaVersion: 1, record, tasks: tasks.map(taskJson), diagnostics: diagnostics.map(diagnosticJson) }),
      );
      return 0;
    }
    const [{ recordText }, { tasksTable }, { plainTable }, { textReport }] = await Promise.all([
      import('../../reporters/text/records.ts'),
      import('../../reporters/text/records.ts'),
      import('../../reporters/table.ts'),
      import('../../reporters/text/diagnostics.ts'),
    ]);
    out.write(recordText(record, out.style));
    if (tasks.length > 0) out.write(`\n${plainTable(tasksTable(tasks))}`);
    if (diagnostics.length > 0) out.write(`\n${textReport(diagnostics, out.style)}`);
    return 0;
  },
});
