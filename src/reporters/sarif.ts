import type { Log, ReportingDescriptor, Result, Run } from 'sarif';
import type { Diagnostic, Severity } from '../registry/diagnostics.ts';
import { toJson } from './json.ts';
import { count, worstFirst } from './text/diagnostics.ts';

/** How many characters from the start of a line identify it, without spaces. */
const reach = 100;

const base = 37n;

const endOfText = '\uffff';

/**
 * The fingerprint of each asked line (counted from 1) of a text: GitHub's `primaryLocationLineHash`, by which code
 * scanning recognizes a result after lines have moved. It must agree with what GitHub's own upload action computes
 * (github/codeql-action, src/fingerprints.ts), or that action warns about every result. The hash of a line is a
 * polynomial over the 100 characters that follow its start, blanks skipped and line ends made one, modulo 2^64; after
 * the colon comes the number of lines so far with the same hash.
 */
export function lineFingerprints(text: string, lines: Iterable<number>): ReadonlyMap<number, string> {
  const wanted = new Set(lines);
  const fingerprints = new Map<number, string>();
  const dense = text.replaceAll(/\r\n?/g, '\n').replaceAll(/[ \t]/g, '') + endOfText;
  const seen = new Map<string, number>();
  let start = 0;
  for (let line = 1; start < dense.length; line++) {
    const window = dense.slice(start, start + reach);
    const occurrence = (seen.get(window) ?? 0) + 1;
    seen.set(window, occurrence);
    if (wanted.has(line)) fingerprints.set(line, `${hash(window)}:${occurrence}`);
    const end = dense.indexOf('\n', start);
    if (end === -1) break;
    start = end + 1;
  }
  return fingerprints;
}

function hash(window: string): string {
  let value = 0n;
  for (let at = 0; at < reach; at++) {
    const code = at < window.length ? window.charCodeAt(at) : 0;
    value = BigInt.asUintN(64, value * base + BigInt(code));
  }
  return value.toString(16);
}

/** GitHub refuses a run with more results. */
const mostResults = 25_000;

/** SARIF's rule for a diagnostic code; the diagnostic catalogue has this shape. */
export type Rules = Readonly<
  Record<string, { readonly severity: Severity; readonly summary: string; readonly hint: string }>
>;

export interface SarifOptions {
  readonly rules: Rules;
  readonly version: string;
  /** The text of a registry by its path, for the fingerprints of results. */
  readonly textOf: (path: string) => string | undefined;
  /** Turns the path of a diagnostic into one from the root of the repository. Default: it is one. */
  readonly repositoryPath?: (path: string) => string;
}

/**
 * SARIF 2.1.0 in the subset that GitHub code scanning reads, worst first, at most 25,000 results. Sources: OASIS
 * SARIF 2.1.0; GitHub, "SARIF support for code scanning".
 */
export function sarifReport(diagnostics: readonly Diagnostic[], options: SarifOptions): string {
  const log: Log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [run(diagnostics, options)],
  };
  return toJson(log);
}

function run(diagnostics: readonly Diagnostic[], options: SarifOptions): Run {
  const { rules, version, textOf, repositoryPath = (path) => path } = options;
  const codes = Object.keys(rules).toSorted();
  const shown = worstFirst(diagnostics).slice(0, mostResults);
  const fingerprint = createFingerprints(shown, textOf);
  const hidden = diagnostics.length - shown.length;
  const notification = {
    level: 'warning' as const,
    message: { text: `${count(hidden, 'further result')} left out: code scanning takes ${mostResults} a run.` },
  };
  return {
    tool: {
      driver: {
        name: 'problems',
        semanticVersion: version,
        rules: codes.map((code) => descriptor(code, rules)),
      },
    },
    automationDetails: { id: 'problems/' },
    columnKind: 'utf16CodeUnits',
    ...(hidden === 0
      ? {}
      : { invocations: [{ executionSuccessful: true, toolExecutionNotifications: [notification] }] }),
    results: shown.map((diagnostic) =>
      result(
        { ...diagnostic, path: repositoryPath(diagnostic.path) },
        codes.indexOf(diagnostic.code),
        fingerprint(diagnostic),
      ),
    ),
  };
}

function descriptor(code: string, rules: Rules): ReportingDescriptor {
  const { severity = 'warning', summary = code, hint = '' } = rules[code] ?? {};
  return {
    id: code,
    shortDescription: { text: summary },
    fullDescription: { text: summary },
    help: { text: hint },
    defaultConfiguration: { level: severity },
    properties: { tags: ['problem-registry'], 'problem.severity': severity, precision: 'very-high' },
  };
}

function result(diagnostic: Diagnostic, ruleIndex: number, fingerprint: string | undefined): Result {
  const { code, severity, message, hint, path, place } = diagnostic;
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: hint === '' ? message : `${message} ${hint}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(path) },
          region: {
            startLine: place.line,
            startColumn: place.column,
            endLine: place.endLine,
            endColumn: place.endColumn,
          },
        },
      },
    ],
    ...(fingerprint === undefined ? {} : { partialFingerprints: { primaryLocationLineHash: fingerprint } }),
  };
}

/** Keeps relative references relative, percent-encodes characters that a URI must not contain, replaces lone surrogates. */
function uriOf(path: string): string {
  const uri = path.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return uri.startsWith('/') ? `file://${uri}` : uri;
}

function createFingerprints(
  diagnostics: readonly Diagnostic[],
  textOf: SarifOptions['textOf'],
): (diagnostic: Diagnostic) => string | undefined {
  const linesOf = Map.groupBy(diagnostics, (diagnostic) => diagnostic.path);
  const fingerprints = new Map<string, ReadonlyMap<number, string>>();
  for (const [path, found] of linesOf) {
    const text = textOf(path);
    if (text !== undefined)
      fingerprints.set(
        path,
        lineFingerprints(
          text,
          found.map(({ place }) => place.line),
        ),
      );
  }
  return ({ path, place }) => fingerprints.get(path)?.get(place.line);
}
