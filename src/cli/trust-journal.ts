import { ProblemsError } from '../errors.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { type RemediationContext, withRemediation } from './remediation-context.ts';
import type { ConfigChoice } from './shared-options.ts';

/**
 * Shows a run that this user has not signed, and signs it if the operator says that it is theirs. Returns the exit code: 1
 * if it is still not signed.
 */
export async function signRunOf(
  context: RemediationContext,
  id: string | undefined,
  options: ConfigChoice & { readonly yes: boolean; readonly json: boolean },
): Promise<number> {
  if (id === undefined) throw new ProblemsError('bad-usage', 'missing run id', { hint: 'problems runs sign <run>' });
  const { screen } = context;
  const choice = { ...options, registries: false, onlyLooking: true } as const;
  return withRemediation(context, choice, async (remediation) => {
    const { isRunSigned, runs, signRun } = await import('../app/remediation.ts');
    const was = await isRunSigned(remediation, id);
    if (!was && options.yes) await signRun(remediation, id);
    const signed = was || options.yes;
    if (options.json) {
      const { toJson } = await import('../reporters/json.ts');
      screen.out.write(toJson({ schemaVersion: 1, run: id, signed }));
      return signed ? 0 : 1;
    }
    const { runText } = await import('../reporters/text/runs.ts');
    for (const run of await runs(remediation, id)) screen.out.write(runText(run, screen.out.style));
    if (was) screen.notes.write(`You have signed run ${id}.\n`);
    else if (signed) screen.notes.write(`Run ${id} is signed. It can be resumed, approved or rolled back.\n`);
    else {
      screen.notes.write(
        'This run is not signed by you: an older version wrote it, or someone else did, or changed it. What it says is done ' +
          `with all that you may do. If the state file is yours, read the plan with \`problems runs ${id} --json\`, then run: ` +
          `problems runs sign ${id} --yes\n`,
      );
    }
    return signed ? 0 : 1;
  });
}

/**
 * Checks the audit log and says where it is broken. With `yes`, the operator knows why: the log is taken as it is. Returns
 * the exit code: 1 if it is broken.
 */
export async function verifyLog(
  context: RemediationContext,
  options: ConfigChoice & { readonly yes: boolean; readonly json: boolean },
): Promise<number> {
  const { screen } = context;
  const choice = { ...options, registries: false, onlyLooking: true } as const;
  return withRemediation(context, choice, async (remediation) => {
    const { acceptAuditLog, verifyAuditLog } = await import('../app/remediation.ts');
    const broken = await verifyAuditLog(remediation);
    const accepted = broken !== undefined && options.yes;
    if (accepted) await acceptAuditLog(remediation);
    if (options.json) {
      const { toJson } = await import('../reporters/json.ts');
      screen.out.write(toJson({ schemaVersion: 1, broken: broken ?? null, accepted }));
    } else if (broken === undefined) {
      screen.out.write('The audit log is as it was written.\n');
    } else {
      screen.out.write(`Entry ${broken.sequence}: ${escapeTerminal(broken.reason)}.\n`);
      screen.notes.write(
        accepted
          ? 'The audit log is taken as it is, and checked from here on.\n'
          : 'The state file was changed by another program, or replaced by an older or another file. Do not repair anything ' +
              'before you know why. If you restored it yourself, run: problems runs --verify --yes\n',
      );
    }
    return broken === undefined || accepted ? 0 : 1;
  });
}
