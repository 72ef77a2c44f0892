import { kinds } from '../../registry/kinds/index.ts';
import { defineCommand } from '../command.ts';

export const newRecord = defineCommand({
  name: 'new',
  group: 'registry',
  summary: 'Print a blank record, or add one to a registry.',
  about: 'A blank record has placeholders, which `problems validate` reports until you fill them in.',
  arguments: [{ name: 'kind', about: 'The kind of record.', required: true, choices: kinds.map(({ name }) => name) }],
  options: {
    into: {
      type: 'text',
      value: 'file',
      about: 'Add the record at the end of this registry, which is created if it does not exist.',
      completion: 'file',
    },
  },
  examples: [
    { command: 'problems new active', about: 'print a blank active record' },
    { command: 'problems new resolved --into PROBLEMS.md', about: 'add a blank resolved record' },
  ],
  exitCodes: [
    { code: 0, about: 'the record was printed or added' },
    { code: 2, about: 'the kind is unknown, or the file cannot be edited' },
  ],
  async run({ arguments: [name], options: { into }, cwd, screen }) {
    const kind = kinds.find((candidate) => candidate.name === name);
    if (kind === undefined) throw new TypeError('The parser accepts no other kind.');
    if (into === undefined) {
      const { blankRecord } = await import('../../registry/kinds/blank.ts');
      screen.out.write(blankRecord(kind));
      return 0;
    }
    const { addBlankRecord } = await import('../../app/edit-registry.ts');
    await addBlankRecord(kind.name, into, cwd);
    screen.notes.write(`Added a blank ${kind.name} record to ${into}.\n`);
    return 0;
  },
});
