import { createInterface } from 'node:readline/promises';
import { ProblemsError } from '../errors.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { type RemediationContext, withRemediation } from './remediation-context.ts';
import type { ConfigChoice } from './shared-options.ts';

/**
 * Prints why an instance is suspended, and lifts the suspension if the operator agrees: with `yes`, or by an answer on
 * a terminal. Returns the exit code.
 */
export async function lift(
  context: RemediationContext,
  instance: string | undefined,
  options: ConfigChoice & { readonly yes: boolean; readonly json: boolean },
): Promise<number> {
  if (instance === undefined)
    throw new ProblemsError('bad-usage', 'Missing instance name.', { hint: 'problems runs lift orders' });
  const { screen } = context;
  const choice = { ...options, registries: false, onlyLooking: true } as const;
  return withRemediation(context, choice, async (remediation) => {
    const { findSuspension, liftSuspension, requireKnownInstance } = await import('../app/remediation.ts');
    const suspension = await findSuspension(remediation, instance);
    if (suspension === undefined) await requireKnownInstance(remediation, instance);
    const why =
      suspension === undefined
        ? 'is not suspended.'
        : `has been suspended since ${suspension.at}: ${suspension.reason}`;
    if (!options.json) screen.out.write(`${escapeTerminal(`${instance} ${why}`)}\n`);
    const lifted = suspension !== undefined && (options.yes || (!options.json && (await isConfirmed())));
    if (lifted) await liftSuspension(remediation, instance);
    if (options.json) {
      const { toJson } = await import('../reporters/json.ts');
      screen.out.write(toJson({ schemaVersion: 1, instance, suspension: suspension ?? null, lifted }));
    } else if (lifted) {
      screen.notes.write(`Repairs may run on ${instance} again.\n`);
    } else if (suspension !== undefined) {
      screen.notes.write(`Still suspended. After checking the instance, run: problems runs lift ${instance} --yes\n`);
    }
    return suspension === undefined || lifted ? 0 : 1;
  });
}

/** Only an operator at a terminal can be asked. */
async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test(
      (await asking.question('Have you checked the instance, and may repairs run again? [y/N] ')).trim(),
    );
  } finally {
    asking.close();
  }
}
