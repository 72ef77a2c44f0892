import { compareText } from '../util/compare.ts';
import type { LineIndex, Position, Span } from './position.ts';

export type Severity = 'error' | 'warning';

/**
 * Everything that can be wrong in a registry. The codes, their severities, the reference page and the SARIF rules are
 * derived from this table. `summary` says what is wrong, `hint` what to do about it; a diagnostic may have more specific
 * texts.
 */
export const diagnosticCatalogue = {
  'marker-unclosed': {
    severity: 'error',
    summary: 'A START marker has no END marker, so its record is not read.',
    hint: 'Add the END marker of the same kind after the record.',
  },
  'marker-unopened': {
    severity: 'error',
    summary: 'An END marker has no START marker before it.',
    hint: 'Add the START marker, or remove this line. A fenced example ends at the first fence inside it, so its END marker counts: open such an example with four backticks.',
  },
  'marker-nested': {
    severity: 'error',
    summary: 'A START marker is inside a block that is still open.',
    hint: 'Close the first block before you start the next one.',
  },
  'marker-crossed': {
    severity: 'error',
    summary: 'An END marker names a different kind than the open block.',
    hint: 'Name the same kind in START and END.',
  },
  'marker-unknown': {
    severity: 'error',
    summary: 'A marker has an unknown kind or edge, so its block is kept as text.',
    hint: 'Use START and END with one of the six kinds of record.',
  },
  'marker-misplaced': {
    severity: 'error',
    summary: 'A marker is in a list, in a quote or on a line with other text, where it has no effect.',
    hint: 'Put the marker alone on a line, at the start of the line.',
  },
  'merge-conflict': {
    severity: 'error',
    summary:
      'The file has an unresolved merge conflict (<<<<<<<, =======, >>>>>>>). Records that it touches make no task.',
    hint: 'Resolve the conflict and remove its lines.',
  },
  'marker-spelling': {
    severity: 'warning',
    summary: 'A marker is written in unusual case or spacing.',
    hint: 'Write markers as <!-- EMBED:KIND:START -->.',
  },
  'title-missing': {
    severity: 'error',
    summary: 'A block has no ### title, so it does not name a problem.',
    hint: 'Add a ### heading as the first line of the block.',
  },
  'title-extra': {
    severity: 'error',
    summary: 'A block has a second ### title. A pair of markers encloses one record; the rest is kept as extra.',
    hint: 'Give each record its own pair of markers, or make this heading a #### section.',
  },
  'heading-form': {
    severity: 'warning',
    summary:
      'A title is not a ### heading, or a section not a #### heading. It is read, and reported once for each record.',
    hint: 'Write ### before the title and #### before each section, with a blank after the hashes.',
  },
  'title-repeated': {
    severity: 'error',
    summary: 'Two records of a registry have the same title, and so would have the same id.',
    hint: 'Rename one of them, or give it an ID.',
  },
  'title-alike': {
    severity: 'warning',
    summary:
      'Two titles of a registry differ only in signs that an id does not keep. Each id ends in characters made from its title.',
    hint: 'Give each an ID, so that its id never changes.',
  },
  'id-invalid': {
    severity: 'error',
    summary: 'An ID contains other characters than letters, digits, dots, dashes, underscores and slashes.',
    hint: 'Write an ID such as postgres/port-allocation-conflicts.',
  },
  'id-repeated': {
    severity: 'error',
    summary: 'Two records have the same id.',
    hint: 'Change the ID or the title of one of them.',
  },
  'label-unknown': {
    severity: 'warning',
    summary: 'Unknown header label or field for this kind of record; it is kept as extra.',
    hint: 'Check the spelling against the reference of this kind.',
  },
  'label-repeated': {
    severity: 'warning',
    summary: 'Duplicate label; the first value is used.',
    hint: 'Remove one of the two.',
  },
  'label-missing': {
    severity: 'warning',
    summary: 'A header label that this kind of record should have is missing.',
    hint: 'Add the label under the title.',
  },
  'section-unknown': {
    severity: 'warning',
    summary: 'Unknown section for this kind of record; it is kept as extra.',
    hint: 'Check the spelling against the reference of this kind.',
  },
  'section-repeated': {
    severity: 'warning',
    summary: 'Duplicate section; the first one is used.',
    hint: 'Merge the two sections.',
  },
  'section-missing': {
    severity: 'warning',
    summary: 'A section that this kind of record should have is missing.',
    hint: 'Add the section.',
  },
  'section-shape': {
    severity: 'warning',
    summary: 'Part of a section has an unexpected form, such as prose instead of a list; it is kept as extra.',
    hint: 'Write the section in the form shown in the reference of this kind.',
  },
  'text-stray': {
    severity: 'warning',
    summary: 'Text outside any section that is not a `**Label:** value` line under the title; it is kept as extra.',
    hint: 'Move it into a section.',
  },
  'term-unknown': {
    severity: 'error',
    summary: 'A value is not one of the terms that are allowed for it.',
    hint: 'Use one of the listed terms.',
  },
  placeholder: {
    severity: 'error',
    summary: 'A placeholder of the template was not filled in; it is never used as a value.',
    hint: 'Replace it with a value, or remove the line.',
  },
  'value-remark': {
    severity: 'warning',
    summary: 'A remark after a value may say that the value does not hold; the value is used.',
    hint: 'Write only the value, or make the remark a sentence of the description.',
  },
  'date-invalid': {
    severity: 'error',
    summary: 'A date is not a real calendar date in the form YYYY-MM-DD, with an optional time.',
    hint: 'Write a date such as 2025-01-31, or 2025-01-31 14:05.',
  },
  'date-time': {
    severity: 'warning',
    summary: 'A date that should be only a day has a time; the day is kept.',
    hint: 'Remove the time.',
  },
  'date-order': {
    severity: 'warning',
    summary: 'A problem last occurred before it was discovered.',
    hint: 'Correct one of the two dates.',
  },
  'yaml-syntax': {
    severity: 'error',
    summary: 'A yaml block cannot be parsed.',
    hint: 'Correct the YAML. The rest of the record is read.',
  },
  'yaml-unsafe': {
    severity: 'error',
    summary: 'A yaml block uses anchors, aliases, tags, merge keys or a key that is not allowed.',
    hint: 'Write plain keys and values.',
  },
  'yaml-key-repeated': {
    severity: 'error',
    summary: 'Duplicate key in a yaml block; the first value is used.',
    hint: 'Remove one of the two.',
  },
  'yaml-key-unknown': {
    severity: 'warning',
    summary: 'Unknown yaml key for this section; it is kept as extra.',
    hint: 'Check the spelling against the reference of this kind.',
  },
  'yaml-key-missing': {
    severity: 'warning',
    summary: 'A yaml key that this section should have is missing.',
    hint: 'Add the key.',
  },
  'value-type': {
    severity: 'error',
    summary: 'A value has the wrong type, such as text instead of a number.',
    hint: 'Write a value of the expected type.',
  },
  'value-range': {
    severity: 'error',
    summary: 'A number is out of range.',
    hint: 'Write a number within the range.',
  },
  'estimate-contradiction': {
    severity: 'warning',
    summary: "A stated estimate contradicts the registry's own calibration.",
    hint: 'Change the estimate, or the calibration in the integration block.',
  },
  'score-tie': {
    severity: 'warning',
    summary: 'Two open problems of a registry have exactly the same score, so only the tie-breaking rules order them.',
    hint: 'Check the estimates of both: one of them probably matters more.',
  },
  'dependency-cycle': {
    severity: 'warning',
    summary:
      'Records name each other as related in a cycle, so their tasks have no order; the cycle is broken at one reference.',
    hint: 'Remove one of the references.',
  },
  'too-complex': {
    severity: 'error',
    summary: 'A block, or the Markdown around markers, exceeds the limits of size or nesting, so it is not read.',
    hint: 'Split or simplify the Markdown here.',
  },
  'encoding-mixed': {
    severity: 'error',
    summary: 'A part of the file is UTF-16 or binary: a NUL or a byte-order mark of UTF-16 in a UTF-8 file.',
    hint: 'Save the file as UTF-8. Windows PowerShell appends UTF-16 with >>.',
  },
  'encoding-invalid': {
    severity: 'warning',
    summary: 'The file is not valid UTF-8. Invalid bytes are read as U+FFFD, and the file cannot be edited.',
    hint: 'Save the file as UTF-8.',
  },
  'file-unreadable': {
    severity: 'error',
    summary: 'The file cannot be read.',
    hint: 'Check that the file exists and that you have permission to read it.',
  },
} as const satisfies Record<string, DiagnosticDeclaration>;

interface DiagnosticDeclaration {
  readonly severity: Severity;
  readonly summary: string;
  readonly hint: string;
}

/** Stable: a code is never renamed, and never reused with another meaning. */
export type DiagnosticCode = keyof typeof diagnosticCatalogue;

/** Replaces the text between two offsets. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** How to fix a diagnostic. `validate --fix` applies only safe fixes, which cannot change what a record means. */
export interface Fix {
  readonly description: string;
  readonly safe: boolean;
  readonly edits: readonly TextEdit[];
}

/** Something wrong in a user's file: data with a code and a place, never thrown. */
export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
  /** The registry's path as given, with forward slashes. */
  readonly path: string;
  readonly place: Position;
  readonly fix?: Fix;
}

/** Specific texts for one diagnostic. The texts of the catalogue replace missing ones. */
export interface ReportDetails {
  readonly message?: string;
  readonly hint?: string;
  readonly fix?: Fix;
}

/** Collects the diagnostics of one text. */
export interface DiagnosticCollector {
  readonly diagnostics: readonly Diagnostic[];
  add(code: DiagnosticCode, span: Span, details?: ReportDetails): void;
}

export function createDiagnosticCollector(path: string, index: LineIndex): DiagnosticCollector {
  const diagnostics: Diagnostic[] = [];
  return {
    diagnostics,
    add(code, span, { message, hint, fix } = {}) {
      const { severity, summary, hint: usual } = diagnosticCatalogue[code];
      diagnostics.push({
        code,
        severity,
        message: message ?? summary,
        hint: hint ?? usual,
        path,
        place: index.place(span),
        ...(fix === undefined ? {} : { fix }),
      });
    },
  };
}

/** By place, then by code. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) => a.place.offset - b.place.offset || a.place.endOffset - b.place.endOffset || compareText(a.code, b.code),
  );
}

/** Quotes part of a user's text for a message: one line, at most 60 characters, no control characters. */
export function quote(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return line.length > 60 ? `"${line.slice(0, 59)}…"` : `"${line}"`;
}
