import { configOptions } from './settings.ts';

/** The arguments and options of commands that speak of one record or task. */
export const lookUpArguments = [
  { name: 'id', about: 'The id of a record or of a task, or the last part of a record id.', required: true },
  { name: 'paths', about: 'Where to look. Default: here.', variadic: true, completion: 'folder' },
] as const;

export const lookUpOptions = {
  json: { type: 'flag', about: 'Print one JSON object.' },
  ...configOptions,
} as const;
