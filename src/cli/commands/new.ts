import { ProblemsError } from '../../errors.ts';
import type { NewValue } from '../../registry/edit/index.ts';
import { kinds } from '../../registry/kinds/index.ts';
import { defineCommand } from '../command.ts';

export const newRecord = defineCommand({
  name: 'new',
  group: 'registry',
  summary: 'Print a new record, or add it to a registry.',
  about:
    'Without --set the record is blank: it has placeholders, which `problems validate` reports until you fill them in. With ' +
    '--set it has the values that you give, and placeholders for the other required ones.',
  arguments: [{ name: 'kind', about: 'The kind of record.', required: true, choices: kinds.map(({ name }) => name) }],
  options: {
    into: {
      type: 'text',
      value: 'file',
      about:
        'Add the record to this registry, under the heading of its kind if there is one. The registry is created if it does ' +
        'not exist.',
      completion: 'file',
    },
    set: {
      type: 'texts',
      value: 'name=value',
      about:
        'Give a value: title, a label, a section, a field or a key, such as severity=high or estimates.impact=8. May be ' +
        'repeated.',
    },
  },
  examples: [
    { command: 'problems new active', about: 'print a blank active record' },
    { command: 'problems new resolved --into PROBLEMS.md', about: 'add a blank resolved record' },
    {
      command: "problems new active --set title='Disk full' --set severity=high --into PROBLEMS.md",
      about: 'add a record with values, from a program',
    },
  ],
  exitCodes: [
    { code: 0, about: 'the record was printed or added' },
    { code: 2, about: 'the kind, a name or a value is not allowed, or the file cannot be edited' },
  ],
  async run({ arguments: [name], options: { into, set }, cwd, screen }) {
    const kind = kinds.find((candidate) => candidate.name === name);
    if (kind === undefined) throw new TypeError('The parser accepts no other kind.');
    const values = set.map(valueOf);
    if (into !== undefined) {
      const { addBlankRecord } = await import('../../app/edit-registry.ts');
      await addBlankRecord(kind.name, into, cwd, values);
      screen.notes.write(`Added ${set.length === 0 ? 'a blank' : 'the'} ${kind.name} record to ${into}.\n`);
    } else if (values.length > 0) {
      const { newRecord: record } = await import('../../registry/edit/index.ts');
      screen.out.write(record(kind, values));
    } else {
      const { blankRecord } = await import('../../registry/kinds/blank.ts');
      screen.out.write(blankRecord(kind));
    }
    return 0;
  },
});

function valueOf(text: string): NewValue {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new ProblemsError('bad-usage', `--set needs a name and a value: ${JSON.stringify(text)}`, {
    hint: 'Write --set severity=high.',
  });
}
