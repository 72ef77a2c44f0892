import { hasUnreadableFile } from '../../app/check.ts';
import { validate as validatePaths, validateText } from '../../app/validate.ts';
import { ProblemsError } from '../../errors.ts';
import type { Diagnostic } from '../../registry/diagnostics.ts';
import { defineCommand } from '../command.ts';
import { nothingFoundText, reportValidation } from '../render.ts';
import { configFor, dataConfigOptions } from '../shared-options.ts';

export const validate = defineCommand({
  name: 'validate',
  group: 'registry',
  summary: 'Check registries for errors.',
  about:
    'Files are checked whatever their names; folders are searched for PROBLEMS.md, in upper or lower case. The default is ' +
    'the working folder. A file without markers is ordinary prose and has nothing to check.',
  arguments: [{ name: 'paths', about: 'Files and folders; - is standard input.', variadic: true, completion: 'file' }],
  options: {
    format: {
      type: 'text',
      value: 'format',
      about: 'Output format.',
      choices: ['text', 'json', 'sarif', 'github'],
      default: 'text',
    },
    fix: { type: 'flag', about: 'Fix what can be fixed without changing meaning, then validate again.' },
    strict: { type: 'flag', about: 'Exit with 1 for warnings too.' },
    maxWarnings: {
      type: 'number',
      value: 'number',
      about: 'Exit with 1 if there are more warnings than this.',
      minimum: 0,
      whole: true,
    },
    stdinFilename: { type: 'text', value: 'path', about: 'Path to report for standard input.', completion: 'file' },
    ...dataConfigOptions,
  },
  examples: [
    { command: 'problems validate', about: 'every registry below this folder' },
    { command: 'problems validate PROBLEMS.md --fix', about: 'fix one file and check it' },
    { command: 'problems validate --format sarif > problems.sarif', about: 'for code scanning' },
    { command: 'problems validate --format github --strict', about: 'in GitHub Actions; warnings fail' },
    {
      command: 'git show :PROBLEMS.md | problems validate - --stdin-filename PROBLEMS.md',
      about: 'the staged version',
    },
  ],
  exitCodes: [
    { code: 0, about: 'no errors' },
    { code: 1, about: 'an error, or more warnings than --strict or --max-warnings allow' },
    { code: 2, about: 'the command failed, or a file could not be read' },
  ],
  async run({ arguments: words, options, cwd, screen, readInput, signal }) {
    const config = await configFor(options, cwd);
    const isInput = words.includes('-');
    if (isInput) requireInputAlone(words, options.fix);
    const validation = isInput
      ? await validateText(await readInput(), { config, cwd, name: options.stdinFilename })
      : await validatePaths(words, { config, cwd, signal, fix: options.fix });
    // Silence means that records were checked and are right.
    if (validation.registries + validation.diagnostics.length === 0)
      screen.notes.write(`${nothingFoundText(isInput ? [options.stdinFilename ?? 'standard input'] : words)}.\n`);
    await reportValidation(validation, options.format, screen);
    return exitCode(validation.diagnostics, options);
  },
});

function requireInputAlone(words: readonly string[], fix: boolean): void {
  if (words.length > 1) throw new ProblemsError('bad-usage', 'Standard input cannot be combined with other paths.');
  if (fix)
    throw new ProblemsError('bad-usage', '--fix cannot be used with standard input.', { hint: 'Name the file.' });
}

function exitCode(
  diagnostics: readonly Diagnostic[],
  { strict, maxWarnings }: { readonly strict: boolean; readonly maxWarnings: number | undefined },
): number {
  if (hasUnreadableFile(diagnostics)) return 2;
  const allowed = strict ? 0 : (maxWarnings ?? Number.POSITIVE_INFINITY);
  const warnings = diagnostics.filter(({ severity }) => severity === 'warning').length;
  return warnings === diagnostics.length && warnings <= allowed ? 0 : 1;
}
