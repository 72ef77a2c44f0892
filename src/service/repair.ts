import {
  bindCall,
  type DetectResult,
  plan,
  recordFindings,
  recordReports,
  remediate,
  type Remediation,
  type RunRecord,
  type RunReport,
} from '../app/remediation.ts';
import type { Config } from '../config/config.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import type { RegistryFacts } from './registry-facts.ts';

/** The outcomes after which a repair waits. */
const failed: readonly (string | null)[] = ['rolled-back', 'stuck', 'failed'];

/**
 * Repairs what the policy lets run unattended, and nothing else: no run that waits for an approval is made, since every round
 * would make another one. A finding whose repair has failed waits: for the cooldown of the config, doubled with each failure.
 * @returns How the repairs ended, and what was found for them; no reports if there was nothing to repair.
 */
export async function repairUnattended(
  opened: Remediation,
  call: {
    readonly signal: AbortSignal;
    readonly facts: RegistryFacts;
    readonly cooldown: Config['priority']['cooldown'];
    readonly onEvent: (event: RemediationEvent) => void;
  },
): Promise<{ readonly runs: readonly RunReport[]; readonly detected: DetectResult | undefined }> {
  const { signal, facts, cooldown, onEvent } = call;
  const remediation = bindCall(opened, { signal, onEvent, problems: facts.problems });
  if (remediation.policy.limits.paused !== undefined) return { runs: [], detected: undefined };
  const { session } = remediation;
  const { proposals } = await plan(remediation);
  const earlier = await session.store.runs.list({ project: session.project, limit: 1_000 });
  const ids = proposals
    .filter(({ plan: { type }, decision }) => type === 'plan' && decision?.automation === 'auto')
    .map(({ finding }) => finding.id)
    .filter((id) => mayTryAgain(id, earlier, cooldown, session.now()));
  if (ids.length === 0) return { runs: [], detected: undefined };
  const { runs, detected } = await remediate(remediation, { ids });
  return { runs, detected };
}

/** @param earlier Newest first. */
export function mayTryAgain(
  finding: string,
  earlier: readonly Pick<RunRecord, 'plan' | 'outcome' | 'endedAt'>[],
  { baseHours, maximumHours }: Config['priority']['cooldown'],
  now: Date,
): boolean {
  const own = earlier.filter((run) => run.plan.finding.id === finding && run.endedAt !== null);
  const fixed = own.findIndex(({ outcome }) => outcome === 'fixed');
  const failures = own.slice(0, fixed === -1 ? undefined : fixed).filter(({ outcome }) => failed.includes(outcome));
  const [last] = failures;
  if (last === undefined || last.endedAt === null) return true;
  const hours = Math.min(baseHours * 2 ** (failures.length - 1), maximumHours);
  return now.getTime() - Date.parse(last.endedAt) >= hours * 3_600_000;
}

/** Writes what was found and repaired into the registries, and brings the queue up to date with them. */
export async function recordRound(
  opened: Remediation,
  round: { readonly detected: DetectResult; readonly runs: readonly RunReport[] },
  { config, facts, now }: { readonly config: Config; readonly facts: RegistryFacts; readonly now: () => Date },
): Promise<void> {
  const { problems } = facts;
  const target = { cwd: config.folder, now: now() };
  const { detected, runs } = round;
  const results =
    runs.length === 0
      ? await recordFindings(opened, { request: { problems }, detected }, target)
      : await recordReports(opened, runs, { request: { problems }, detected }, target);
  const { openSwarm } = await import('../app/swarm.ts');
  const swarm = await openSwarm({ cwd: config.folder, config, now });
  try {
    await swarm.syncProject();
  } finally {
    swarm.close();
  }
  const [refused] = results.refused;
  if (refused !== undefined) throw new Error(`${refused.path} was not written: ${refused.reason}`);
}
