import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { liftSuspension, type Remediation } from '../../app/remediation.ts';
import { ProblemsError } from '../../errors.ts';
import type { AlertView, TrackedFinding } from '../types.ts';
import { inEachEngine, inEngine, openFinding, type OperationContext } from './context.ts';

/** What only someone who may approve decides, and who has seen an alert. No agent calls any of these. */

export async function liftInstance(
  context: OperationContext,
  { engine, instance }: { readonly engine: string; readonly instance: string },
): Promise<{ readonly lifted: { readonly reason: string } | null }> {
  return inEngine(context, engine, async (remediation) => {
    const lifted = await liftSuspension(remediation, instance);
    if (lifted !== undefined) {
      const { session } = remediation;
      const body = { by: session.redact.text(context.by), instance, reason: lifted.reason };
      await session.store.audit.append({ at: session.at(), run: null, event: 'suspension lifted', body });
    }
    return { lifted: lifted === undefined ? null : { reason: lifted.reason } };
  });
}

/**
 * Pauses all repairs of all engines, or ends the pause: the file `paused` next to each state file, as an operator would make it.
 * @throws ProblemsError `step-refused`: the config itself pauses; why an engine could not be asked, after all others were.
 */
export async function pauseRepairs(
  context: OperationContext,
  { paused, reason }: { readonly paused: boolean; readonly reason: string },
): Promise<{ readonly paused: string | null }> {
  const { failures } = await inEachEngine(context, async ({ config, session, stateFile }) => {
    if (!paused && config.pause !== undefined)
      throw new ProblemsError('step-refused', `The config pauses all repairs: ${config.pause}`, {
        hint: 'Remove `remediation.pause` from the config.',
      });
    const file = join(stateFile, '..', 'paused');
    if (paused) await writeFile(file, `${context.by}: ${reason}\n`, { mode: 0o600 });
    else await rm(file, { force: true });
    const body = { by: session.redact.text(context.by), reason: session.redact.text(reason) };
    await session.store.audit.append({ at: session.at(), run: null, event: paused ? 'paused' : 'pause ended', body });
  });
  if (failures.length > 0) throw failures[0];
  return { paused: paused ? reason : null };
}

/** What follows from someone having seen an alert or a finding: who and why, or until when it stays silent. */
export type Notice = { readonly comment: string } | { readonly until: string | null };

function noticeOf(
  context: OperationContext,
  notice: Notice,
): Pick<AlertView, 'acknowledged'> | Pick<AlertView, 'silencedUntil'> {
  return 'comment' in notice
    ? { acknowledged: { by: context.by, at: context.now().toISOString(), comment: notice.comment } }
    : { silencedUntil: notice.until };
}

/** @throws ProblemsError `not-found`: no alert that fires or is suppressed has this fingerprint. */
export function noticeAlert(context: OperationContext, fingerprint: string, notice: Notice): AlertView {
  const { alerts } = context.service.history;
  const found = alerts.open().find((alert) => alert.fingerprint === fingerprint);
  if (found === undefined)
    throw new ProblemsError('not-found', `There is no open alert ${fingerprint}.`, { hint: 'List the alerts again.' });
  const noticed = { ...found, ...noticeOf(context, notice) };
  alerts.note(noticed);
  context.service.publish({ type: 'alert', alert: noticed });
  return noticed;
}

/** @throws ProblemsError `not-found`. */
export function noticeFinding(context: OperationContext, id: string, notice: Notice, engine?: string): TrackedFinding {
  const noticed = { ...openFinding(context, id, engine), ...noticeOf(context, notice) };
  context.service.history.findings.note(noticed);
  context.service.publish({ type: 'finding', finding: noticed });
  return noticed;
}

/** The settings that decide what may run unattended, one line each. */
export function policyLines({ policy, config }: Remediation): readonly string[] {
  const { byRemediator = {}, byInstance = {}, allow, windows = [], windowsByInstance = {}, limits } = policy;
  return [
    ...Object.entries(byRemediator).map(([name, automation]) => `${name}: ${automation}`),
    ...Object.entries(byInstance).map(([name, automation]) => `instance ${name}: ${automation}`),
    ...(allow.length === 0 ? [] : [`allowed without approval: ${allow.join(', ')}`]),
    ...windows.map((window) => `window: ${windowText(window)}`),
    ...Object.entries(windowsByInstance).flatMap(([name, own]) =>
      own.map((window) => `window of ${name}: ${windowText(window)}`),
    ),
    `failed runs of one remediator on one instance in a day: ${limits.attemptsPerDay} at most`,
    `a fix must hold for ${config.holdDays} days`,
    ...(limits.paused === undefined ? [] : [`paused: ${limits.paused}`]),
  ];
}

function windowText({ days, from, to }: NonNullable<Remediation['policy']['windows']>[number]): string {
  return `${days === undefined ? 'every day' : days.join(', ')} ${from} to ${to} UTC`;
}
