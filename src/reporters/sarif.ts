import type { Log, ReportingDescriptor, Result, Run } from 'sarif';
import type { Diagnostic, Severity } from '../registry/diagnostics.ts';
import { lineFingerprints } from './fingerprint.ts';
import { json } from './json.ts';
import { worstFirst } from './order.ts';
import { count } from './text/diagnostics.ts';

/** GitHub refuses a run with more results. */
const mostResults = 25_000;

/** What SARIF says once a code, beside the results: the diagnostic catalogue has this shape. */
export type Rules = Readonly<
  Record<string, { readonly severity: Severity; readonly summary: string; readonly hint: string }>
>;

export interface SarifOptions {
  readonly rules: Rules;
  readonly version: string;
  /** The text of a registry by its path, from which results get the fingerprint by which GitHub knows them again. */
  readonly textOf: (path: string) => string | undefined;
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
  return json(log);
}

function run(diagnostics: readonly Diagnostic[], { rules, version, textOf }: SarifOptions): Run {
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
    results: shown.map((diagnostic) => result(diagnostic, codes.indexOf(diagnostic.code), fingerprint(diagnostic))),
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

/** A relative reference stays relative; what no URI may hold is percent-encoded, lone surrogates are replaced. */
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
