import { sureConfidence } from '../../import/confidence.ts';
import { defineCommand } from '../command.ts';
import { dataConfigOptions } from '../shared-options.ts';

export const importCommand = defineCommand({
  name: 'import',
  group: 'registry',
  summary: 'Turn problems that are written as ordinary text into records.',
  about:
    'Files are read whatever their names; folders are searched for PROBLEMS.md, KNOWN_ISSUES.md, TROUBLESHOOTING.md and the ' +
    'like. The default is the working folder. It prints what would change; --write changes it. In PROBLEMS.md records take ' +
    'the place of the text that they say; records from other files go to PROBLEMS.md in the same folder. Nothing is invented: ' +
    'what no line states stays empty, and what has no place in a record stays text. A later import changes only what the ' +
    'file says differently, never what someone has edited in a record, and deletes nothing.',
  arguments: [{ name: 'paths', about: 'Files and folders.', variadic: true, completion: 'file' }],
  options: {
    write: { type: 'flag', about: 'Add and update the records.' },
    into: {
      type: 'text',
      value: 'file',
      about: 'Add all records to this registry, and leave the files as they are. It is created if it does not exist.',
      completion: 'file',
    },
    json: { type: 'flag', about: 'Print every proposal as JSON, with the lines that each value comes from.' },
    minConfidence: {
      type: 'number',
      value: 'number',
      about: `Take proposals of this confidence or a higher one, from 0 to 1; default ${sureConfidence}. The others are listed with the reasons.`,
      minimum: 0,
      whole: false,
    },
    watch: { type: 'flag', about: 'Import again whenever one of the files changes.' },
    ...dataConfigOptions,
  },
  examples: [
    { command: 'problems import', about: 'what every problem file below this folder proposes' },
    { command: 'problems import docs/KNOWN_ISSUES.md', about: 'what one file proposes' },
    { command: 'problems import --write', about: 'add the records, or bring them up to date' },
    { command: 'problems import docs --into PROBLEMS.md --write', about: 'collect them in one registry' },
    { command: 'problems import --json | jq .records', about: 'the proposals, with lines and confidence' },
  ],
  exitCodes: [
    { code: 0, about: 'the files were read, with or without proposals' },
    { code: 2, about: 'the command failed, or a file could not be read or written' },
  ],
  async run({ arguments: paths, options, ...context }) {
    const { minConfidence = sureConfidence } = options;
    const request = { ...options, minConfidence, paths: paths.length === 0 ? ['.'] : paths };
    const { importContinuously, importOnce } = await import('../run-import.ts');
    return options.watch ? importContinuously(request, context) : importOnce(request, context);
  },
});
