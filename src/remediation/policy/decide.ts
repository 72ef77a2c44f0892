import type { Automation } from '../../tasks/types.ts';
import type { Plan } from '../contract.ts';
import { type Operation, operations } from './operations.ts';

/** How far a plan may go unattended, with every reason, as it is journalled and shown. */
export interface Decision {
  readonly automation: Automation;
  /** Which source spoke first: `command line`, `config`, `registry`, `risk`. */
  readonly source: string;
  readonly reasons: readonly string[];
  /** What the plan does, by the rule table. */
  readonly operations: readonly Operation[];
}

export interface PolicyQuestion {
  readonly plan: Plan;
  /** What the plan's actions do to this target, as it is now. */
  readonly operations: readonly Operation[];
  /** Whether the target runs: one that is already down has no availability left to lose. */
  readonly running: boolean;
  readonly commandLine?: Automation;
  readonly config?: Automation;
  readonly registry?: { readonly automation: Automation; readonly reason: string };
  /** Operations that the config names to lower their floor. */
  readonly allow: readonly Operation[];
  /** Suspicion, pause, cooldown: no automation, whatever the sources say. */
  readonly stops: readonly string[];
}

const strictness = { auto: 0, approve: 1, human: 2 } as const satisfies Record<Automation, number>;

/** The first source that speaks decides; the rule table is the floor beneath it. */
export function decide(question: PolicyQuestion): Decision {
  const [source, wanted, reason] = firstSource(question);
  const reasons = [reason];
  let automation = wanted;
  for (const operation of question.operations) {
    const { floor, about } = operations[operation];
    if (floor === 'auto') continue;
    if (floor === 'approve' && question.allow.includes(operation)) {
      reasons.push(`${operation} (${about}) is allowed by the config`);
      continue;
    }
    const least = floor === 'never' ? 'human' : 'approve';
    if (strictness[automation] < strictness[least]) {
      automation = least;
      reasons.push(
        floor === 'never'
          ? `${operation} (${about}) is never done by a program`
          : `${operation} (${about}) needs approval`,
      );
    }
  }
  if (question.stops.length > 0) {
    automation = 'human';
    reasons.push(...question.stops);
  }
  return { automation, source, reasons, operations: [...new Set(question.operations)] };
}

function firstSource(question: PolicyQuestion): readonly [source: string, automation: Automation, reason: string] {
  if (question.commandLine !== undefined)
    return ['command line', question.commandLine, `the command line says ${question.commandLine}`];
  if (question.config !== undefined) return ['config', question.config, `the config says ${question.config}`];
  if (question.registry !== undefined) return ['registry', question.registry.automation, question.registry.reason];
  return ['risk', ...byRisk(question)];
}

function byRisk({ plan, running }: PolicyQuestion): readonly [Automation, string] {
  if (plan.risk === 'safe') return ['auto', 'the plan interrupts nothing'];
  if (plan.risk === 'data') return ['approve', 'the plan touches data'];
  return running ? ['approve', 'the plan interrupts an instance that runs'] : ['auto', 'the instance is already down'];
}
