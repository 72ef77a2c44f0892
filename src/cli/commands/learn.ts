import { resolve } from 'node:path';
import type { LearnedState } from '../../app/learn.ts';
import { ProblemsError } from '../../errors.ts';
import { fileErrorText, readRegularFile } from '../../read-file.ts';
import { defineCommand, type Invocation, type OptionDeclarations } from '../command.ts';
import { tableText, widthFor } from '../render.ts';
import { configFor, configOptions } from '../shared-options.ts';
import { writeAll } from '../terminal.ts';

const learnOptions = {
  undo: { type: 'flag', about: 'Let all attempts count again (with `reset`).' },
  json: { type: 'flag', about: 'Print one JSON object (with `show`).' },
  ...configOptions,
} as const satisfies OptionDeclarations;

type LearnInvocation = Invocation<typeof learnOptions>;

export const learn = defineCommand({
  name: 'learn',
  group: 'tasks',
  summary: 'Show what has been learned from earlier attempts; reset, export or import it.',
  about:
    'Attempts are the outcomes of the queue, the runs of the journal, and the attempts in the tasks folder. With the priority ' +
    'profile `learned` they change the order of tasks: see docs/learning.md. `reset` deletes nothing: only attempts that end ' +
    'from now on count. `export` prints one attempt a line, `import` takes such lines over; they count as reported, since this ' +
    'engine has not verified them.',
  arguments: [
    {
      name: 'action',
      about: '`show`, `reset`, `export` or `import`. Default: show.',
      choices: ['show', 'reset', 'export', 'import'],
    },
    { name: 'file', about: '`import`: the file to read. Default: standard input.', completion: 'file' },
  ],
  options: learnOptions,
  examples: [
    { command: 'problems learn', about: 'how each handler has done with which problems' },
    { command: 'problems learn reset', about: 'begin again, after a handler was replaced' },
    { command: 'problems learn export > attempts.jsonl', about: 'what other machines can import' },
    { command: 'problems learn import attempts.jsonl', about: 'take it over' },
  ],
  exitCodes: [
    { code: 0, about: 'it is done' },
    { code: 2, about: 'there is no state file, it cannot be read, or a line cannot be used' },
  ],
  async run(invocation) {
    const [action = 'show', file] = invocation.arguments;
    if (file !== undefined && action !== 'import')
      throw new ProblemsError('bad-usage', `\`${action}\` takes no file.`, { hint: 'See: problems learn --help' });
    const { cwd, now, signal, options, screen } = invocation;
    const config = await configFor(options, cwd, { ownOnly: true });
    const environment = { cwd, config, now, signal, cache: true };
    const use = await import('../../app/learn.ts');
    switch (action) {
      case 'reset': {
        const since = await use.resetLearning(environment, options.undo);
        screen.out.write(
          since === undefined
            ? 'All attempts count again.\n'
            : `Attempts that ended before ${since} do not count any more.\n`,
        );
        return 0;
      }
      case 'export': {
        const lines = await use.exportLearning(environment);
        writeAll(screen, [['out', lines.map((line) => `${line}\n`).join('')]]);
        return 0;
      }
      case 'import': {
        const text = file === undefined ? await inputOf(invocation) : readInput(resolve(cwd, file));
        const { added, known } = await use.importLearning(text, file ?? 'Standard input', environment);
        screen.out.write(`${added} imported, ${known} known before.\n`);
        return 0;
      }
      default:
        return show(invocation, await use.showLearning(environment));
    }
  },
});

async function show({ options, screen }: LearnInvocation, found: LearnedState): Promise<number> {
  if (options.json) {
    const { toJson } = await import('../../reporters/json.ts');
    screen.out.write(toJson({ schemaVersion: 1, ...found }));
    return 0;
  }
  const { learnedText, patternsTable } = await import('../../reporters/text/learned.ts');
  if (found.patterns.length > 0) screen.out.write(await tableText(patternsTable(found), screen.out));
  screen.out.write(learnedText(found, widthFor(screen.out)));
  return 0;
}

/** In bytes. */
const mostInput = 64 * 2 ** 20;

async function inputOf({ input }: LearnInvocation): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input()) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > mostInput) throw new ProblemsError('bad-usage', 'Standard input is larger than 64 MiB.');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readInput(path: string): string {
  const read = regularFile(path);
  if (read.type === 'refused') throw new ProblemsError('file-unreadable', `${path} is ${read.is}, not a file.`);
  if (!read.isWhole) throw new ProblemsError('bad-usage', `${path} is larger than 64 MiB.`);
  return read.bytes.toString('utf8');
}

function regularFile(path: string): ReturnType<typeof readRegularFile> {
  try {
    return readRegularFile(path, { most: mostInput });
  } catch (error) {
    throw new ProblemsError('file-unreadable', `${path} cannot be read: ${fileErrorText(error)}.`);
  }
}
