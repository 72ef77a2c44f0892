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
  if (id === undefined) throw new ProblemsError('bad-usage', 'Missing run id.', { hint: 'problems runs sign <run>' });
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
 * Checks the audit log, and that the locks, leases and suspensions are as you left them, and says what is not.
 * With `yes`, the operator knows why: all of it is taken as it is. Returns the exit code: 1 if something was changed.
 */
export async function verifyLog(
  context: RemediationContext,
  options: ConfigChoice & { readonly yes: boolean; readonly json: boolean },
): Promise<number> {
  const { screen } = context;
  const choice = { ...options, registries: false, onlyLooking: true } as const;
  return withRemediation(context, choice, async (remediation) => {
    const { acceptAuditLog, acceptState, changedState, verifyAuditLog } = await import('../app/remediation.ts');
    const broken = await verifyAuditLog(remediation);
    const changed = await changedState(remediation);
    const isWhole = broken === undefined && changed.length === 0;
    const accepted = !isWhole && options.yes;
    if (accepted && broken !== undefined) await acceptAuditLog(remediation);
    if (accepted && changed.length > 0) await acceptState(remediation);
    if (options.json) {
      const { toJson } = await import('../reporters/json.ts');
      screen.out.write(toJson({ schemaVersion: 1, broken: broken ?? null, changed, accepted }));
    } else if (isWhole) {
      screen.out.write('The audit log is as it was written. Locks, leases and suspensions are as you left them.\n');
    } else {
      if (broken !== undefined) screen.out.write(`Entry ${broken.sequence}: ${escapeTerminal(broken.reason)}.\n`);
      for (const table of changed)
        screen.out.write(`The ${table} were changed by someone else or by an older version, or are not the newest.\n`);
      screen.notes.write(
        accepted
          ? 'All of it is taken as it is, and checked from here on.\n'
          : 'The state file was changed by another program, or replaced by an older or another file. Do not repair anything ' +
              'before you know why. If you restored it yourself, or have updated this program, run: problems runs --verify --yes\n',
      );
    }
    return isWhole || accepted ? 0 : 1;
  });
}
