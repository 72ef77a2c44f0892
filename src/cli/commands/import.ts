import { sureConfidence } from '../../import/confidence.ts';
import { defineCommand } from '../command.ts';
import { configFor, dataConfigOptions } from '../shared-options.ts';

export const importCommand = defineCommand({
  name: 'import',
  group: 'registry',
  summary: 'Propose records for problems that are written as ordinary text.',
  about:
    'Files are read whatever their names; folders are searched for PROBLEMS.md, in upper or lower case. The default is the ' +
    'working folder. Nothing is invented: what no line states stays empty, and what has no place in a record stays text.',
  arguments: [{ name: 'paths', about: 'Files and folders.', variadic: true, completion: 'file' }],
  options: {
    json: { type: 'flag', about: 'Print every proposal as JSON, with the lines that each value comes from.' },
    minConfidence: {
      type: 'number',
      value: 'number',
      about: `Take proposals of this confidence or a higher one, from 0 to 1; default ${sureConfidence}. The others are listed with the reasons.`,
      minimum: 0,
      whole: false,
    },
    ...dataConfigOptions,
  },
  examples: [
    { command: 'problems import', about: 'what every PROBLEMS.md below this folder proposes' },
    { command: 'problems import docs/KNOWN_ISSUES.md', about: 'what one file proposes' },
    { command: 'problems import --json | jq .records', about: 'the proposals, with lines and confidence' },
  ],
  exitCodes: [
    { code: 0, about: 'the files were read, with or without proposals' },
    { code: 2, about: 'the command failed, or a file could not be read' },
  ],
  async run({ arguments: paths, options, cwd, screen, signal }) {
    const { minConfidence = sureConfidence } = options;
    const [{ proposeRecords }, { importJson, importText }, config] = await Promise.all([
      import('../../app/import.ts'),
      import('../../reporters/import.ts'),
      configFor(options, cwd),
    ]);
    const report = await proposeRecords(paths.length === 0 ? ['.'] : paths, { cwd, config, signal });
    screen.out.write(options.json ? importJson(report, minConfidence) : importText(report, minConfidence));
    return report.refused.length === 0 ? 0 : 2;
  },
});
