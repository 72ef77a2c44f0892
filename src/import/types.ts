/** What `importProblems` reads out of a text that was written without the markers of a registry. */

export interface ImportOptions {
  /** The path to show in reasons; it decides nothing but whether the name of the file says that it holds problems. */
  readonly file?: string;
}

/** Lines of a text, from 1, both inclusive. */
export interface Lines {
  readonly line: number;
  readonly endLine: number;
}

/** The sections that a proposal can have. Each has its place in the records: docs/import.md has the table. */
export const importedSections = [
  'description',
  'rootCause',
  'workaround',
  'solution',
  'impactAssessment',
  'lessons',
  'evidence',
  'reproductionSteps',
] as const;

export type ImportedSectionKey = (typeof importedSections)[number];

export interface ImportedSection {
  readonly key: ImportedSectionKey;
  /** The text as it stands, without its label and without common indentation. Never empty. */
  readonly text: string;
  /** The lines that it came from, with the label's. */
  readonly lines: Lines;
  /** The label as it is written, without its colon; null for text before the first label. */
  readonly label: string | null;
}

export const importedKinds = ['active', 'intermittent', 'resolved'] as const;

export type ImportedKind = (typeof importedKinds)[number];

export const importedStatuses = ['active', 'investigating', 'blocked', 'resolved', "won't-fix"] as const;

export type ImportedStatus = (typeof importedStatuses)[number];

export const importedSeverities = ['critical', 'high', 'medium', 'low'] as const;

export type ImportedSeverity = (typeof importedSeverities)[number];

export interface ImportedDates {
  /** `YYYY-MM-DD`, as the text states it. */
  readonly discovered: string | null;
  readonly resolved: string | null;
}

/** For each value the lines that state it. Empty: no line does. */
export interface ImportProvenance {
  readonly title: readonly Lines[];
  readonly kind: readonly Lines[];
  readonly status: readonly Lines[];
  readonly severity: readonly Lines[];
  readonly discovered: readonly Lines[];
  readonly resolved: readonly Lines[];
}

/** A record that a text proposes. */
export interface ImportProposal extends Lines {
  /** Without number, id, state, date and decoration. Never empty. */
  readonly title: string;
  /** The line's text as it is written, without the signs of heading or list. */
  readonly rawTitle: string;
  /** The name of the rule that took it for a problem: docs/import.md lists them. */
  readonly rule: string;
  /** An id that the author wrote, such as `BUG-018`. */
  readonly id: string | null;
  /** 1 for the first proposal of this title in the text, 2 for the second. Titles are compared as `titleKey` does. */
  readonly occurrence: number;
  readonly kind: ImportedKind;
  /** Null if no line states it. A resolved problem has `resolved`. */
  readonly status: ImportedStatus | null;
  /** Null if no line states it. */
  readonly severity: ImportedSeverity | null;
  readonly dates: ImportedDates;
  /** In the order of the text. A key may occur more than once. */
  readonly sections: readonly ImportedSection[];
  /** Lines of the problem that have no place in a record, such as files, benefits and notes. They stay text. */
  readonly rest: readonly Lines[];
  readonly provenance: ImportProvenance;
  /** From 0 to 1: how likely it is that the author means a problem here. */
  readonly confidence: number;
  /** What lowers the confidence, as sentences. */
  readonly reasons: readonly string[];
}

/** A heading that may look like a problem and was taken for something else. */
export interface IgnoredHeading {
  readonly title: string;
  readonly line: number;
  readonly reason: string;
}

export interface ImportResult {
  /** In the order of the text. */
  readonly proposals: readonly ImportProposal[];
  readonly ignored: readonly IgnoredHeading[];
  /** Records that have markers already, markers included. Nothing is proposed from these lines. */
  readonly marked: readonly Lines[];
  /** How many lines with text are in no record and no proposal, or in one without a place in a record. They stay text. */
  readonly textLines: number;
  /** If nothing is proposed: why, as a sentence. */
  readonly nothing: string | null;
}
