import { defineCommand } from '../command.ts';
import { schemaNames } from '../../schema/names.ts';

export const schema = defineCommand({
  name: 'schema',
  group: 'project',
  summary: 'Print the JSON Schema of a kind of record or of an output.',
  about: 'JSON Schema, draft 2020-12. Without a name: the schema of any record.',
  arguments: [{ name: 'name', about: 'What to describe.', choices: schemaNames }],
  options: {},
  examples: [
    { command: 'problems schema active', about: 'the schema of active records' },
    { command: 'problems schema scan', about: 'the schema of `problems scan --json`' },
  ],
  exitCodes: [
    { code: 0, about: 'the schema was printed' },
    { code: 2, about: 'there is no such schema' },
  ],
  async run({ arguments: [name = 'record'], screen }) {
    const [{ jsonSchemaOf }, { toJson }] = await Promise.all([
      import('../../schema/index.ts'),
      import('../../reporters/json.ts'),
    ]);
    screen.out.write(toJson(jsonSchemaOf(name)));
    return 0;
  },
});
