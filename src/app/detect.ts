import { ProblemsError } from '../errors.ts';
import type { Automation } from '../tasks/types.ts';
import type { Instance } from '../host/instance.ts';
import type { Finding } from '../remediation/contract.ts';
import { type DetectResult, detectAll } from '../remediation/engine/detect.ts';
import { type PolicySettings, propose, type Proposal } from '../remediation/engine/plan.ts';
import { failureOf } from '../remediation/engine/steps.ts';
import { instanceNotFound, notFound } from '../remediation/engine/not-found.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { type InterruptedRun, interruptedOn, type LiveRun, liveRuns } from './open-runs.ts';

export interface DetectOptions extends RemediationCall {
  /** Ids of problems or of findings. Default: all. */
  readonly ids?: readonly string[];
  /** Names of remediators. Default: all. */
  readonly remediators?: readonly string[];
  /** How long one check of one instance may take, in milliseconds; then it is skipped. Default 300,000. */
  readonly checkDeadlineMs?: number;
}

export interface Detected extends DetectResult {
  /** `resume` finishes them, and `remediate` does so first. Newest first. */
  readonly interruptedRuns: readonly InterruptedRun[];
  /** Runs of other processes, before or after the check: what was found of their instances may change. Newest first. */
  readonly liveRuns: readonly LiveRun[];
}

/**
 * Detects problems; changes nothing.
 * @throws ProblemsError `not-found`: an unknown remediator or instance, or an id that neither a record nor a finding has.
 * `engine-unreachable`.
 */
export async function detect(opened: Remediation, request: DetectOptions = {}): Promise<Detected> {
  const remediation = bindCall(opened, request);
  const { session, problems } = remediation;
  const unknown = request.remediators?.find(
    (name) => !session.remediators.some((remediator) => remediator.name === name),
  );
  if (unknown !== undefined) {
    const names = session.remediators.map(({ name }) => name);
    throw notFound(`There is no remediator ${unknown}.`, unknown, names);
  }
  // Asked first: an unreachable engine is an error, not a finding.
  if (session.remediators.length > 0) await session.reader.docker.info();
  const interrupted = await interruptedOn(remediation);
  const liveBefore = await liveRuns(remediation);
  const inRepair = new Set([...interrupted, ...liveBefore].map(({ instance }) => instance));
  // An open run may have renamed its container, so there may be no instance of its name.
  const expected = remediation.instances === undefined ? [] : await session.reader.expected();
  const names = remediation.instances?.filter(
    (name) => !inRepair.has(name) && !expected.some((one) => one.name === name),
  );
  if (names !== undefined) await requireInstances(remediation, names);
  const detected = await detectAll(session, { ...request, problems });
  await suspendDamaged(remediation, detected);
  const begun = (await liveRuns(remediation)).filter(({ id }) => !liveBefore.some((run) => run.id === id));
  for (const { instance } of begun) inRepair.add(instance);
  const findings = detected.findings.filter((found) => !isSymptom(remediation, found) || !inRepair.has(found.instance));
  return { ...detected, findings, interruptedRuns: interrupted, liveRuns: [...begun, ...liveBefore] };
}

/** The journal knows more about the instance of an open run than that it is down. */
function isSymptom({ session }: Remediation, { remediator }: Finding): boolean {
  return session.remediators.some(({ name, findsSymptoms }) => name === remediator && findsSymptoms === true);
}

/**
 * Suspends instances whose data may be damaged until an operator has checked them, also for later calls that do not run
 * the detector that found it. Without a state file it cannot be recorded.
 */
async function suspendDamaged({ session }: Remediation, { findings }: DetectResult): Promise<void> {
  const { suspensions } = session.store;
  for (const { instance, summary, corruption } of findings) {
    if (corruption === true && (await suspensions.get(instance)) === undefined)
      await suspensions.add(instance, summary, session.at());
  }
}

/**
 * The instances with these names, in this order.
 * @throws ProblemsError `not-found`: there is no instance with one of the names. `engine-unreachable`.
 */
export async function requireInstances(
  { session }: Remediation,
  names: readonly string[],
): Promise<readonly Instance[]> {
  const found = await session.reader.instances({ all: true });
  return names.map((name) => {
    const instance = found.find((one) => one.name === name);
    if (instance !== undefined) return instance;
    throw instanceNotFound(name, found);
  });
}

/** Plans the repair of every finding: the steps, their effects and the policy. Changes nothing. */
export async function plan(
  opened: Remediation,
  request: DetectOptions & { readonly automation?: Automation } = {},
): Promise<{ readonly detected: Detected; readonly proposals: readonly Proposal[] }> {
  const remediation = bindCall(opened, request);
  const detected = await detect(remediation, request);
  const policy = {
    ...remediation.policy,
    ...(request.automation === undefined ? {} : { commandLine: request.automation }),
  };
  const proposals: Proposal[] = [];
  for (const finding of detected.findings)
    proposals.push(await proposeOrRefuse(remediation, finding, detected, policy));
  return { detected, proposals };
}

/** Turns an error into a refusal, so that the other findings are still planned. */
async function proposeOrRefuse(
  { session, problems }: Remediation,
  finding: Finding,
  detected: DetectResult,
  policy: PolicySettings,
): Promise<Proposal> {
  try {
    return await propose(session, finding, detected, problems, policy);
  } catch (error) {
    if (endsRound(error)) throw error;
    const reason = session.redact.text(failureOf(error).message);
    const hint = error instanceof ProblemsError ? error.hint : undefined;
    const advice = hint ?? 'It may have changed since it was found. Run `problems detect` again.';
    return { finding, plan: { type: 'refusal', reason, advice }, decision: undefined, effects: [] };
  }
}

/** Without the engine or the journal, the other findings cannot be planned either. */
export function endsRound(error: unknown): boolean {
  if (!(error instanceof ProblemsError)) return false;
  return (
    error.code === 'engine-unreachable' ||
    error.code === 'state-damaged' ||
    error.code === 'state-locked' ||
    error.code === 'state-unwritable'
  );
}
