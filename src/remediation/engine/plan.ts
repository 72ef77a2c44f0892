import { isDeepStrictEqual } from 'node:util';
import { ProblemsError } from '../../errors.ts';
import type { Automation, Triage } from '../../tasks/types.ts';
import type { Decision, Effect, Finding, Plan, Refusal, Remediator, RequestedWork } from '../contract.ts';
import { type Limits, blocksFor } from '../policy/circuit-breakers.ts';
import { decide, type MaintenanceWindow, openWindow, type PolicyQuestion } from '../policy/policy.ts';
import { plan as planSchema } from '../schemas.ts';
import { servesClients } from '../shared/availability.ts';
import type { DetectResult } from './detect.ts';
import { type KnownProblem, recordFor } from './record-for.ts';
import { actionNamed, remediatorNamed, type EngineContext } from './session.ts';
import { parseValue } from '../standard-schema.ts';

/** What the config and the command line allow without approval. */
export interface PolicySettings {
  readonly commandLine?: Automation;
  readonly byRemediator?: Readonly<Record<string, Automation>>;
  readonly byInstance?: Readonly<Record<string, Automation>>;
  /** Names of operations. */
  readonly allow: readonly string[];
  readonly windows?: readonly MaintenanceWindow[];
  /** Used instead of `windows`. */
  readonly windowsByInstance?: Readonly<Record<string, readonly MaintenanceWindow[]>>;
  readonly limits: Limits;
}

export interface Proposal {
  readonly finding: Finding;
  readonly plan: Plan | Refusal;
  /** Undefined for a refusal. */
  readonly decision: Decision | undefined;
  /** What each step changes, as text. */
  readonly effects: readonly { readonly step: string; readonly effects: readonly Effect[] }[];
}

/** Plans the repair of a finding and decides whether it needs approval. Changes nothing. */
export async function propose(
  session: EngineContext,
  finding: Finding,
  detected: Pick<DetectResult, 'findings'>,
  problems: readonly KnownProblem[],
  policy: PolicySettings,
): Promise<Proposal> {
  const remediator = remediatorNamed(session, finding.remediator);
  const made = await planned(session, remediator, finding);
  return proposePlan(session, { finding, plan: made }, detected, problems, policy);
}

/** Decides whether a plan needs approval, and describes what each step changes. Changes nothing. */
export async function proposePlan(
  session: EngineContext,
  { finding, plan: made }: RequestedWork,
  detected: Pick<DetectResult, 'findings'>,
  problems: readonly KnownProblem[],
  policy: PolicySettings,
): Promise<Proposal> {
  if (made.type === 'refusal') return { finding, plan: made, decision: undefined, effects: [] };
  const plan = withoutSecrets(session, made);
  const decision = await decideOn(session, finding, plan, detected, problems, policy);
  return { finding, plan, decision, effects: await effectsOf(session, plan) };
}

/** Whether a plan needs approval, given the current state of the host, the config and the registries. */
export async function decideOn(
  session: EngineContext,
  finding: Finding,
  plan: Plan,
  detected: Pick<DetectResult, 'findings'>,
  problems: readonly KnownProblem[],
  policy: PolicySettings,
): Promise<Decision> {
  const running = await isRunning(session, plan);
  const operations = [...plan.steps, ...plan.cleanup].map(({ action }) => {
    const { operation } = actionNamed(session, action);
    return 'running' in operation ? (running ? operation.running : operation.stopped) : operation;
  });
  const known = plan.requested === true ? undefined : recordFor(plan.remediator, finding, problems, session);
  const config = statedFor(policy.byInstance, finding.instance) ?? statedFor(policy.byRemediator, finding.remediator);
  const windows = statedFor(policy.windowsByInstance, finding.instance) ?? policy.windows ?? [];
  const window = openWindow(windows, session.now(), plan.downtime.seconds);
  return decide({
    plan,
    operations,
    running,
    allow: policy.allow,
    stops: await blocksFor(session, finding, detected.findings, policy.limits),
    ...(window === undefined ? {} : { window }),
    ...(policy.commandLine === undefined ? {} : { commandLine: policy.commandLine }),
    ...(config === undefined ? {} : { config }),
    ...(known?.triage === undefined ? {} : { registry: policyFor(known.triage, known.byConfig) }),
  });
}

/** Containers name their instances: `constructor` must not find what every object inherits. */
function statedFor<Value>(stated: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return stated !== undefined && Object.hasOwn(stated, name) ? stated[name] : undefined;
}

function policyFor(triage: Triage, byConfig: true | undefined): NonNullable<PolicyQuestion['registry']> {
  const { automation, automationReason: reason } = triage;
  return byConfig === true ? { automation, reason, byConfig } : { automation, reason };
}

/** Turns a refusal of the host, such as an ambiguous instance name, into a refusal of the plan. */
async function planned(session: EngineContext, remediator: Remediator, finding: Finding): Promise<Plan | Refusal> {
  try {
    const known = { ...finding, details: parseValue(remediator.details, finding.details, '`details` of the finding') };
    return await remediator.plan(known, session.reader);
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'step-refused')) throw error;
    return { type: 'refusal', reason: error.message, advice: error.hint ?? 'Run `problems detect` again.' };
  }
}

/** Refuses secrets in steps: the journalled plan is the plan that runs, and the journal must not contain secrets. */
function withoutSecrets(session: EngineContext, plan: Plan): Plan {
  const redacted = planSchema.parse(session.redact.data(plan));
  if (!isDeepStrictEqual(asKept([redacted.steps, redacted.cleanup]), asKept([plan.steps, plan.cleanup]))) {
    throw new ProblemsError(
      'step-refused',
      `The plan of ${plan.remediator} contains a secret in its step parameters; refused.`,
    );
  }
  return redacted;
}

/** As read back from the journal: ignores the order of keys, and keys without a value. */
function asKept(steps: unknown): unknown {
  return JSON.parse(JSON.stringify(steps));
}

/**
 * A container in a restart loop has no availability left to lose, although Docker reports it as running. It may have
 * recovered before the stop, so it counts as running unless the plan checks again right before the stop.
 */
async function isRunning(session: EngineContext, plan: Plan): Promise<boolean> {
  const { reader } = session;
  const { container: ref } = plan.target;
  const container = ref === '' ? undefined : await reader.docker.container(ref);
  if (container === undefined) return false;
  const isUp = container.state.running && !checksBeforeStop(session, plan);
  return isUp || (await servesClients(container, reader, session.now()));
}

function checksBeforeStop(session: EngineContext, { steps, target }: Plan): boolean {
  return steps.every(
    ({ action, expects = [] }) =>
      actionNamed(session, action).interrupts !== true ||
      expects.some((one) => one.check === 'not-serving' && one.ref === target.container),
  );
}

/**
 * Effects are read from the present state, in which no step has run yet: what an earlier step leaves is the value before a
 * later one. Effects without a difference are left out.
 */
async function effectsOf(session: EngineContext, plan: Plan): Promise<Proposal['effects']> {
  const described: { readonly step: string; readonly effects: readonly Effect[] }[] = [];
  const left = new Map<string, string>();
  for (const { action: name, params } of plan.steps) {
    const action = actionNamed(session, name);
    const parsed = parseValue(action.params, params, `\`params\` of ${name}`);
    const effects = (await action.effect(parsed, session.reader)).map((effect) => {
      const object = session.redact.text(effect.object);
      const before = left.get(object) ?? session.redact.text(effect.before);
      const after = session.redact.text(effect.after);
      left.set(object, after);
      return { object, before, after };
    });
    described.push({
      step: session.redact.text(action.describe(parsed)),
      effects: effects.filter(({ before, after }) => before !== after),
    });
  }
  return described;
}
