import type { Body } from './fields.ts';
import type { LabelMeaning } from './labels.ts';
import type { Title } from './titles.ts';

/** How a candidate is written. */
export type Form = 'heading' | 'bold-line' | 'item' | 'row';

/** A group heading and what it says about its items. */
export interface Group {
  readonly at: number;
  /** 1 for the heading of the whole text; 7 for a label. */
  readonly level: number;
  readonly text: string;
}

/** What the text around a candidate says about it. */
export interface Surroundings {
  /** The headings around it, nearest first. */
  readonly groups: readonly Group[];
  /** Whether one of them names problems. */
  readonly inProblems: boolean;
  /** Whether one of them names notes, logs or plans. */
  readonly inNotes: boolean;
  /** Whether a heading beside it has the labels of a problem. */
  readonly besideLabels: boolean;
  /** Whether a heading beside it has headings with labels, numbers or ids below it. */
  readonly besideGroups: boolean;
  /** Whether the heading above it names problems, and has a list of its own. */
  readonly besideItems: boolean;
  /** Whether it is one of a numbered series of headings that fills a text about problems. */
  readonly inSeries: boolean;
}

/** A place in a text that may be a problem, with what counts for and against it. */
export interface Candidate {
  /** The name of the rule that took it for a problem. */
  readonly rule: string;
  readonly form: Form;
  /** The index of its title's line, and the index after its last line. */
  readonly at: number;
  readonly end: number;
  readonly title: Title;
  /** Text behind the title on the same line. */
  readonly lead: string;
  readonly body: Body;
  readonly kinds: ReadonlySet<LabelMeaning>;
  readonly around: Surroundings;
  /** How many problems of the same form are beside it, itself included. */
  readonly alike: number;
}

const telling: readonly LabelMeaning[] = ['description', 'rootCause', 'workaround', 'severity', 'impactAssessment'];

const counted: ReadonlySet<LabelMeaning> = new Set<LabelMeaning>([
  ...telling,
  'solution',
  'status',
  'priority',
  'reproductionSteps',
  'lessons',
  'evidence',
  'discovered',
  'resolved',
]);

/** How many kinds of label that problems have are among these. */
export function countKinds(kinds: ReadonlySet<LabelMeaning>): number {
  return [...kinds].filter((kind) => counted.has(kind)).length;
}

/** Whether labels alone say that this is a problem: two kinds, one of which only problems have. */
export function hasProblemLabels(kinds: ReadonlySet<LabelMeaning>): boolean {
  return countKinds(kinds) >= 2 && telling.some((kind) => kinds.has(kind));
}

/** The stricter test among notes and logs: what is wrong or why, and what is done about it. */
export function hasProblemAndAnswer(kinds: ReadonlySet<LabelMeaning>): boolean {
  const says = kinds.has('description') || kinds.has('rootCause');
  return (
    says && (['solution', 'workaround', 'rootCause'] as const).some((kind) => kinds.has(kind)) && countKinds(kinds) >= 2
  );
}

/** What a rule is called, and what it says to those who read docs/import.md. */
export interface RuleText {
  readonly name: string;
  /** What it applies to. */
  readonly matches: string;
  /** A sentence. */
  readonly why: string;
}
