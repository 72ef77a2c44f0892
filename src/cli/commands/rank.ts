import { ProblemsError } from '../../errors.ts';
import { defineCommand } from '../command.ts';

export const rank = defineCommand({
  name: 'rank',
  group: 'tasks',
  summary: 'Rank open problems by what earlier attempts have taught, for programs.',
  about:
    'Reads lines of JSON from standard input and answers each question with one line: which problems come first and who should take them, why, and forecasts. `problems schema rank` describes the lines. Without any attempt the order is that of the published formula. Nothing is read but the lines, and nothing is written but the answers.',
  arguments: [],
  options: {
    jsonl: { type: 'flag', about: 'Read and write lines of JSON; the only form.' },
  },
  examples: [{ command: 'problems rank --jsonl < history.jsonl', about: 'one answer for each question in the file' }],
  exitCodes: [
    { code: 0, about: 'every line was used' },
    { code: 1, about: 'a line could not be used; its answer says why' },
    { code: 2, about: 'the input could not be read' },
  ],
  async run({ options, screen, input }) {
    if (!options.jsonl) {
      throw new ProblemsError('bad-usage', '`problems rank` reads lines of JSON.', {
        hint: 'Run `problems rank --jsonl`; `problems tasks` ranks the problems of registries.',
      });
    }
    const [{ createRankSession, longestLine }, { hasReader, linesOf }] = await Promise.all([
      import('../../learning/session.ts'),
      import('../lines.ts'),
    ]);
    const session = createRankSession();
    let isClean = true;
    for await (const line of linesOf(input(), longestLine)) {
      const answer = session.answer(line);
      if (answer === undefined) continue;
      isClean &&= !('error' in answer);
      screen.out.write(`${JSON.stringify(answer)}\n`);
      if (!(await hasReader(screen.out.stream))) break;
    }
    return isClean ? 0 : 1;
  },
});
