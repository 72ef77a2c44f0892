import { type PrioritisedKind, type RecordText, recordText } from '../priority/index.ts';
import { type Classifier, mentionsPostgres, remediatorFor, type Topic, type TriageRule } from './classify.ts';
import { allowing, keeping, type Policy } from './policy.ts';
import type { Automation, ProblemClass, Triage } from './types.ts';

/** Whether repairs may run unattended, overriding what registries say. */
export interface TriageSettings {
  /** By problem id. Overrides everything else. */
  readonly problems?: Readonly<Record<string, Automation>>;
  readonly classes?: Readonly<Partial<Record<ProblemClass, Automation>>>;
}

type Decision = Pick<Triage, 'automation' | 'automationReason'>;

/**
 * The class of a record, who handles it, and whether its repair may run unattended: docs/tasks.md.
 * @param policy The policy of its registry, read with the same classifier.
 */
export function triage(record: PrioritisedKind, policy: Policy, settings: TriageSettings = {}): Triage {
  const text = recordText(record);
  const topic = policy.classifier.topicOf(text);
  const decision = decideAutomation(record, topic?.rule, text, policy, settings);
  return {
    class: classOf(topic?.rule),
    classReason:
      topic === undefined
        ? 'Nothing in its title, tags, header or description names a known class.'
        : `Its ${topic.foundIn} ${isPlural(topic.foundIn) ? 'speak' : 'speaks'} of ${topic.rule.topic}.`,
    ...chooseHandler(record, topic, policy.classifier, decision.automation),
    ...decision,
  };
}

function isPlural(foundIn: Topic['foundIn']): boolean {
  return foundIn === 'tags' || foundIn === 'messages';
}

function chooseHandler(
  record: PrioritisedKind,
  topic: Topic | undefined,
  classifier: Classifier,
  automation: Automation,
): Pick<Triage, 'handler' | 'handlerReason'> {
  const remediator = remediatorFor(record, classifier);
  if (remediator !== undefined && isOpen(record) && mentionsPostgres(record))
    return { handler: remediator, handlerReason: `The remediator ${remediator} handles ${topic?.rule.topic}.` };
  if (automation === 'human') return { handler: 'person', handlerReason: 'No remediator fits, so you must decide.' };
  return {
    handler: 'agent',
    handlerReason: isOpen(record) ? 'No remediator fits.' : 'There is nothing to repair at present.',
  };
}

function decideAutomation(
  record: PrioritisedKind,
  rule: TriageRule | undefined,
  text: RecordText,
  policy: Policy,
  { problems = {}, classes = {} }: TriageSettings,
): Decision {
  const own = Object.hasOwn(problems, record.id) ? problems[record.id] : undefined;
  if (own !== undefined) return { automation: own, automationReason: `The config says ${own} for ${record.id}.` };
  const kind = classOf(rule);
  const general = classes[kind];
  if (general !== undefined)
    return { automation: general, automationReason: `The config says ${general} for the class ${kind}.` };
  if (!isOpen(record)) {
    return {
      automation: 'approve',
      automationReason: 'The policy of a registry applies to open problems; this record has nothing to repair.',
    };
  }
  const kept = keeping(policy.escalation, text, rule);
  if (kept !== undefined)
    return { automation: 'human', automationReason: `Auto-Escalation of the registry names "${kept.written}".` };
  const excepted = keeping(policy.exceptions, text, rule);
  if (excepted !== undefined) {
    return {
      automation: 'approve',
      automationReason: `Auto-Resolution of the registry excepts "${excepted.written}".`,
    };
  }
  const allowed = allowing(policy.resolution, text, rule);
  if (allowed !== undefined)
    return { automation: 'auto', automationReason: `Auto-Resolution of the registry names "${allowed.written}".` };
  if (policy.doubt !== undefined) {
    return {
      automation: 'approve',
      automationReason: `Auto-Resolution of the registry says "${policy.doubt}", so it allows nothing unattended.`,
    };
  }
  return {
    automation: 'approve',
    automationReason: 'Neither the registry nor the config names it, so it needs approval.',
  };
}

function classOf(rule: TriageRule | undefined): ProblemClass {
  return rule?.class ?? 'other';
}

/** Whether a record describes a problem that may still exist. */
function isOpen(record: PrioritisedKind): boolean {
  return record.kind === 'active' || record.kind === 'intermittent';
}
