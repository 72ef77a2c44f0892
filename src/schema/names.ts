import { kinds } from '../registry/kinds/index.ts';

/** The published JSON Schemas: every kind of record, any record, and what commands print and read. */
export const schemaNames: readonly string[] = [
  ...kinds.map(({ name }) => name),
  'record',
  'task',
  'scan',
  'validate',
  'import',
  'rank',
  'config',
];
