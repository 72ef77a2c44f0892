import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { actions as builtInActions } from '../remediation/actions/index.ts';
import type {
  Action,
  Detection,
  Finding,
  Plan,
  ReadonlyHost,
  Refusal,
  Remediator,
  Step,
} from '../remediation/contract.ts';
import { finding as findingSchema, plan as planSchema } from '../remediation/schemas.ts';
import { checkValue } from '../remediation/standard-schema.ts';

export interface RemediatorScenario {
  /** `createTestHost({ … }).reader`, or the reader of a real engine. */
  readonly host: ReadonlyHost;
  /** The plugin's own actions. The built-in ones are known. */
  readonly actions?: readonly Action[];
}

export interface CheckedRemediator {
  readonly detection: Detection;
  /** Of each finding, in their order. */
  readonly plans: readonly (Plan | Refusal)[];
}

/**
 * Checks what the engine relies on: findings and plans are plain data that comes back from the journal unchanged, fit
 * their schemas and sizes, have stable ids, and name actions that exist with parameters that fit. Returns what was
 * detected and planned, for the test's own expectations.
 * @throws AssertionError: names every fault.
 *
 * @example
 * const { detection, plans } = await checkRemediator(missingRestartPolicy, { host: createTestHost({ … }).reader });
 */
export async function checkRemediator(
  remediator: Remediator,
  { host, actions = [] }: RemediatorScenario,
): Promise<CheckedRemediator> {
  const detection = await remediator.detect(host);
  const again = await remediator.detect(host);
  const faults: string[] = [];
  if (!isDeepStrictEqual(detection, again)) faults.push('`detect` returns something else the second time');
  const ids = detection.findings.map(({ id }) => id);
  for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index)))
    faults.push(`several findings have the id ${id}; pass a subject to \`findingId\``);
  const plans: (Plan | Refusal)[] = [];
  for (const finding of detection.findings) {
    faults.push(...findingFaults(remediator, finding));
    const details = checkValue(remediator.details, throughJournal(finding.details));
    if (!details.ok) continue;
    const plan = await remediator.plan({ ...finding, details: details.value }, host);
    plans.push(plan);
    if (plan.type === 'plan') faults.push(...planFaults(remediator, finding, plan, [...builtInActions, ...actions]));
  }
  if (faults.length === 0) return { detection, plans };
  throw new AssertionError({
    message: [`${remediator.name} breaks its contract:`, ...faults.map((fault) => `- ${fault}`)].join('\n'),
    actual: faults,
    expected: [],
  });
}

function findingFaults({ name, details }: Remediator, finding: Finding): readonly string[] {
  const { id, instance, kind, remediator, problem } = finding;
  const start = `${name}/${instance}/${kind}`;
  const fits = checkValue(details, throughJournal(finding.details));
  return [
    ...faultsOf(`finding ${id}`, checkValue(findingSchema, throughJournal(finding))),
    ...(id === start || id.startsWith(`${start}/`)
      ? []
      : [`finding ${id} must begin with ${start}: use \`findingId\``]),
    ...(remediator === name ? [] : [`finding ${id} names the remediator ${remediator}`]),
    ...(problem === null ? [] : [`finding ${id} names a record; the engine fills in \`problem\``]),
    ...faultsOf(`\`details\` of ${id}`, fits),
    ...(fits.ok && !isDeepStrictEqual(fits.value, finding.details)
      ? [`\`details\` of ${id} come back from the journal changed`]
      : []),
  ];
}

function planFaults(
  remediator: Remediator,
  { id }: Finding,
  plan: Plan,
  actions: readonly Action[],
): readonly string[] {
  const what = `the plan of ${id}`;
  return [
    ...faultsOf(what, checkValue(planSchema, throughJournal(plan))),
    ...faultsOf(`\`expected\` of ${what}`, checkValue(remediator.expected, throughJournal(plan.expected))),
    ...(plan.remediator === remediator.name ? [] : [`${what} names the remediator ${plan.remediator}`]),
    ...plan.steps.flatMap((step, index) => stepFaults(`step ${index} of ${what}`, step, actions, false)),
    ...plan.cleanup.flatMap((step, index) => stepFaults(`cleanup ${index} of ${what}`, step, actions, true)),
  ];
}

function stepFaults(what: string, step: Step, actions: readonly Action[], isCleanup: boolean): readonly string[] {
  const action = actions.find(({ name }) => name === step.action);
  if (action === undefined) return [`${what} names the action ${step.action}, which does not exist`];
  return [
    ...faultsOf(`\`params\` of ${what}`, checkValue(action.params, throughJournal(step.params))),
    ...(isCleanup || action.undo !== undefined
      ? []
      : [`${what}: ${action.name} has no \`undo\`, so it may stand in \`cleanup\` only`]),
  ];
}

function faultsOf(what: string, checked: ReturnType<typeof checkValue>): readonly string[] {
  return checked.ok ? [] : [`${what}: ${checked.fault}`];
}

/** As another process reads it. */
function throughJournal(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
