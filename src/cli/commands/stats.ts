import { existsSync } from 'node:fs';
import { ProblemsError } from '../../errors.ts';
import type { ProjectSwarm, TaskOutcome } from '../../app/swarm.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';
import { tableText, widthFor } from '../render.ts';
import { withSwarm } from '../swarm-context.ts';

const defaultDays = 30;

export const stats = defineCommand({
  name: 'stats',
  group: 'repair',
  summary: 'Show how often creations, backups and repairs succeed, how long they take, and whether that improves.',
  about:
    'Counts the runs of the state file, the reports of workers to the queue, and the creations that `problems fleet` has ' +
    'noted: see docs/learning.md. Rates have 90% intervals. A change is called one if its probability is at least 95%.',
  arguments: [],
  options: {
    since: {
      type: 'text',
      value: 'date',
      about: `Compare what came before this date with what came since, such as 2026-11-01. Default: ${defaultDays} days ago.`,
    },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems stats', about: 'the last 30 days against all before' },
    { command: 'problems stats --since 2026-11-01 --json', about: 'since a change of yours, as JSON' },
  ],
  exitCodes: [
    { code: 0, about: 'the figures were printed' },
    { code: 2, about: 'the Docker engine does not answer, or the state file cannot be read' },
  ],
  async run(invocation) {
    const { options, screen, now } = invocation;
    const { json: asJson, since, ...choice } = options;
    const from = since === undefined ? new Date(now().getTime() - defaultDays * 86_400_000) : dateOf(since);
    const [{ remembered, statsOf }, { toJson }] = await Promise.all([
      import('../../app/remediation.ts'),
      import('../../reporters/json.ts'),
    ]);
    const history = await withRemediation(
      invocation,
      { ...choice, registries: false, onlyLooking: true },
      async (remediation) =>
        // Opening the queue would make the state file.
        remembered(
          remediation,
          existsSync(remediation.stateFile) ? await withSwarm(invocation, choice, false, outcomesOf) : [],
        ),
    );
    const found = statsOf(history, from);
    if (asJson) screen.out.write(toJson({ schemaVersion: 1, ...found }));
    else {
      const { handlersTable, statsText } = await import('../../reporters/text/learning.ts');
      screen.out.write(statsText(found, screen.out.style, widthFor(screen.out)));
      if (found.handlers.length > 0) screen.out.write(await tableText(handlersTable(found), screen.out));
    }
    return 0;
  },
});

async function outcomesOf(queue: ProjectSwarm): Promise<readonly TaskOutcome[]> {
  const found: TaskOutcome[] = [];
  for (;;) {
    const page = await queue.outcomes({ after: found.at(-1)?.seq ?? 0, limit: 1_000 });
    found.push(...page);
    if (page.length < 1_000) return found;
  }
}

function dateOf(text: string): Date {
  const date = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}(?:T[\d:.]{5,12}Z)?$/.test(text) || Number.isNaN(date.getTime()))
    throw new ProblemsError('bad-usage', `Invalid date "${text}".`, {
      hint: 'Use 2026-11-01 or 2026-11-01T09:00:00Z.',
    });
  return date;
}
