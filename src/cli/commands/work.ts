import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';
import { ownName, withSwarm } from '../swarm-context.ts';

export const work = defineCommand({
  name: 'work',
  group: 'tasks',
  summary: 'Take the tasks of remediators from the queue, and repair until you stop it.',
  about:
    'A worker takes the tasks that are for the Docker engine of this machine, first in priority order, one at a time. For ' +
    'each it finishes interrupted runs, detects, plans, asks the policy, repairs, verifies, and records the outcome in the ' +
    'registry. SIGTERM and Ctrl-C end it at the next safe point. Tasks of agents are left to agents. See docs/swarm.md.',
  arguments: [],
  options: {
    once: { type: 'flag', about: 'End when there is nothing to take now.' },
    worker: { type: 'text', value: 'name', about: 'Who takes the tasks. Default: user@host.' },
    record: { type: 'flag', about: 'Do not write to the registries.', default: true },
    json: { type: 'flag', about: 'Print one JSON object per line for each event.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems work', about: 'repair what may be repaired, now and later' },
    { command: 'problems work --once --json', about: 'the same from a timer, until nothing is left to take' },
  ],
  exitCodes: [
    { code: 0, about: 'every task that was taken is done' },
    { code: 1, about: 'a task failed or waits for approval, or a report was refused' },
    { code: 2, about: 'the command failed: the Docker engine does not answer, another host works on it, …' },
  ],
  async run(invocation) {
    const { options, screen, now } = invocation;
    const [{ workEventJson, workEventText }, { jsonLine }] = await Promise.all([
      import('../../reporters/text/work.ts'),
      import('../../reporters/json.ts'),
    ]);
    const context = { ...options, registries: false, progressLines: true } as const;
    return withSwarm(invocation, options, false, async (swarm, config) =>
      withRemediation(invocation, context, async (remediation) => {
        const { workOnRepairs } = await import('../../app/swarm.ts');
        const { failed, refused, released } = await workOnRepairs(swarm, {
          worker: options.worker ?? ownName(),
          config,
          remediation,
          signal: remediation.session.signal,
          once: options.once,
          records: options.record,
          now,
          onEvent(event) {
            const said = options.json ? workEventJson(event) : undefined;
            if (said !== undefined) screen.out.write(jsonLine(said));
            if (!options.json) screen.out.write(workEventText(event, screen.out.style));
          },
        });
        return failed + refused + released === 0 ? 0 : 1;
      }),
    );
  },
});
