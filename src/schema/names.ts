import { kinds } from '../registry/kinds/index.ts';

/** What there is a JSON Schema of: every kind of record, any record, and what commands print and read. */
export const schemaNames: readonly string[] = [
  ...kinds.map(({ name }) => name),
  'record',
  'task',
  'scan',
  'validate',
  'config',
];
