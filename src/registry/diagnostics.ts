import { compareText } from '../util/compare.ts';
import type { LineIndex, Position, Span } from './position.ts';

export type Severity = 'error' | 'warning';

/**
 * Everything that can be wrong in a registry: declared once, from which come the codes, their severities, the
 * reference page and the SARIF rules. `summary` says what is wrong, `hint` what to do where a place offers nothing better.
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
    hint: 'Add the START marker, or remove this line. A fenced example that holds an inner fence ends early and lets its END marker out.',
  },
  'marker-nested': {
    severity: 'error',
    summary: 'A START marker stands inside a block that is still open.',
    hint: 'Close the first block before the next one starts.',
  },
  'marker-crossed': {
    severity: 'error',
    summary: 'An END marker names another kind than the block that is open.',
    hint: 'Let START and END name the same kind.',
  },
  'marker-unknown': {
    severity: 'error',
    summary: 'A marker names a kind or an edge that does not exist, so its block is kept as text.',
    hint: 'Use START and END with one of the six kinds of record.',
  },
  'marker-misplaced': {
    severity: 'error',
    summary: 'A marker stands in a list, a quote or a line with other text, where it marks nothing.',
    hint: 'Put the marker on a line of its own, at the start of the line.',
  },
  'marker-spelling': {
    severity: 'warning',
    summary: 'A marker is written in an unusual case or spacing.',
    hint: 'Write markers as <!-- EMBED:KIND:START -->.',
  },
  'title-missing': {
    severity: 'error',
    summary: 'A block has no ### title, so it names no problem.',
    hint: 'Add a ### heading as the first line of the block.',
  },
  'title-extra': {
    severity: 'error',
    summary: 'A block has a second ### title: one pair of markers holds one record; the rest is kept as extra.',
    hint: 'Give each record its own pair of markers, or make this heading a #### section.',
  },
  'title-repeated': {
    severity: 'error',
    summary: 'Two records of a registry have the same title, so their ids would be the same.',
    hint: 'Rename one, or give it an ID of its own.',
  },
  'id-invalid': {
    severity: 'error',
    summary: 'An ID is not made of letters, digits, dots, dashes, underscores and slashes.',
    hint: 'Write an ID such as postgres/port-allocation-conflicts.',
  },
  'id-repeated': {
    severity: 'error',
    summary: 'Two records have the same id.',
    hint: 'Change the ID or the title of one of them.',
  },
  'label-unknown': {
    severity: 'warning',
    summary: 'A header label or field is not one that this kind of record has; it is kept as extra.',
    hint: 'Check the spelling against the reference of this kind.',
  },
  'label-repeated': {
    severity: 'warning',
    summary: 'A label stands twice; the first value counts.',
    hint: 'Remove one of the two.',
  },
  'label-missing': {
    severity: 'warning',
    summary: 'A header label that this kind of record should have is missing.',
    hint: 'Add the label under the title.',
  },
  'section-unknown': {
    severity: 'warning',
    summary: 'A section is not one that this kind of record has; it is kept as extra.',
    hint: 'Check the spelling against the reference of this kind.',
  },
  'section-repeated': {
    severity: 'warning',
    summary: 'A section stands twice; the first one counts.',
    hint: 'Merge the two sections.',
  },
  'section-missing': {
    severity: 'warning',
    summary: 'A section that this kind of record should have is missing.',
    hint: 'Add the section.',
  },
  'section-shape': {
    severity: 'warning',
    summary:
      'A section holds something of another form than expected, such as prose in place of a list; it is kept as extra.',
    hint: 'Write the section in the form that the reference of this kind shows.',
  },
  'text-stray': {
    severity: 'warning',
    summary: 'Text stands before the title, or under it and is no `**Label:** value` line; it is kept as extra.',
    hint: 'Move it into a section.',
  },
  'term-unknown': {
    severity: 'error',
    summary: 'A value is not one of the terms of its closed list.',
    hint: 'Use one of the listed terms.',
  },
  placeholder: {
    severity: 'error',
    summary: 'A placeholder of the template was left unfilled; it never becomes data.',
    hint: 'Replace it with a value, or remove the line.',
  },
  'date-invalid': {
    severity: 'error',
    summary: 'A date is not a real calendar date in the form YYYY-MM-DD, with an optional time.',
    hint: 'Write a date such as 2025-01-31, or 2025-01-31 14:05.',
  },
  'date-time': {
    severity: 'warning',
    summary: 'A time stands behind a date where only a day is wanted; the day is kept.',
    hint: 'Remove the time.',
  },
  'date-order': {
    severity: 'warning',
    summary: 'A record was last seen before it was discovered.',
    hint: 'Correct one of the two dates.',
  },
  'yaml-syntax': {
    severity: 'error',
    summary: 'A yaml block cannot be parsed.',
    hint: 'Correct the YAML; the rest of the record is read.',
  },
  'yaml-unsafe': {
    severity: 'error',
    summary: 'A yaml block uses anchors, aliases, tags, merge keys or a key that is not allowed.',
    hint: 'Write plain keys and values.',
  },
  'yaml-key-repeated': {
    severity: 'error',
    summary: 'A key stands twice in a yaml block; the first value counts.',
    hint: 'Remove one of the two.',
  },
  'yaml-key-unknown': {
    severity: 'warning',
    summary: 'A yaml key is not one that this section has; it is kept as extra.',
    hint: 'Check the spelling against the reference of this kind.',
  },
  'yaml-key-missing': {
    severity: 'warning',
    summary: 'A yaml key that this section should have is missing.',
    hint: 'Add the key.',
  },
  'value-type': {
    severity: 'error',
    summary: 'A value is of the wrong type, such as text where a number is expected.',
    hint: 'Write a value of the expected type.',
  },
  'value-range': {
    severity: 'error',
    summary: 'A number is outside its range.',
    hint: 'Write a number within the range.',
  },
  'estimate-contradiction': {
    severity: 'warning',
    summary: "A stated estimate contradicts the registry's own calibration.",
    hint: 'Change the estimate, or the calibration in the integration block.',
  },
  'score-tie': {
    severity: 'warning',
    summary: 'Two open problems of a registry have exactly the same score, so only the written tie order ranks them.',
    hint: 'Look at the estimates of both: one is likely to matter more.',
  },
  'dependency-cycle': {
    severity: 'warning',
    summary: 'Records name each other as related in a circle, so no order of their tasks follows; the circle is cut.',
    hint: 'Remove one of the references.',
  },
  'too-complex': {
    severity: 'error',
    summary: 'A block, or the Markdown around markers, is too large or too deeply nested to be read within bounds.',
    hint: 'Split or simplify the Markdown at this place.',
  },
  'encoding-invalid': {
    severity: 'warning',
    summary: 'The file is not valid UTF-8; the bytes in question are read as U+FFFD, and the file cannot be edited.',
    hint: 'Save the file as UTF-8.',
  },
  'file-unreadable': {
    severity: 'error',
    summary: 'The file cannot be read.',
    hint: 'Check that the file exists and that you may read it.',
  },
} as const satisfies Record<string, DiagnosticDeclaration>;

interface DiagnosticDeclaration {
  readonly severity: Severity;
  readonly summary: string;
  readonly hint: string;
}

/** Stable: a code is never renamed or used for something else. */
export type DiagnosticCode = keyof typeof diagnosticCatalogue;

/** Replaces the text between two offsets. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** How to mend a diagnostic. Only safe fixes, which cannot change what a record means, are applied by `validate --fix`. */
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
  /** The registry's path as it was given, with forward slashes. */
  readonly path: string;
  readonly place: Position;
  readonly fix?: Fix;
}

/** What a finding says beyond its code. Where a part is absent, the catalogue's own words stand in. */
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

/** By place, then by code: the order in which a person reads a file. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) => a.place.offset - b.place.offset || a.place.endOffset - b.place.endOffset || compareText(a.code, b.code),
  );
}

/** A piece of a user's text for a message: one line, at most 60 characters, no control characters. */
export function quote(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return line.length > 60 ? `"${line.slice(0, 59)}…"` : `"${line}"`;
}
