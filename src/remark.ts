import { recordFixes, sureConfidence } from './import/index.ts';
import { prioritise } from './priority/index.ts';
import { quote } from './registry/diagnostics.ts';
import { readRegistry } from './registry/parse/read.ts';
import { createLineIndex } from './registry/position.ts';
import { isProblemFileName } from './scan/walk.ts';

export interface RemarkProblemsOptions {
  /** The component in ids. Default `root`. */
  readonly component?: string;
}

/** The part of a VFile that the plugin needs. Declared here so that the published types need no package of unified. */
export interface MessageFile {
  readonly path?: string | undefined;
  toString(): string;
  message(
    reason: string,
    options: { readonly place: MessagePlace; readonly ruleId: string; readonly source: string },
  ): {
    fatal?: boolean | null | undefined;
    note?: string | undefined;
    actual?: string | null | undefined;
    expected?: string[] | null | undefined;
  };
}

export interface MessagePlace {
  readonly start: MessagePoint;
  readonly end: MessagePoint;
}

export interface MessagePoint {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

/**
 * A remark plugin that reports the diagnostics of `problems validate` for one file as messages: the code as `ruleId`, the
 * hint as `note`, and errors as `fatal`. In a file with the name of a problem file, such as `KNOWN_ISSUES.md`, it also tells
 * which text can be a record, as information with the rule `record-possible`, and suggests the record in `expected`, which editors
 * offer as a fix. It reads the text, not the tree, and changes neither.
 */
export function remarkProblems(options: RemarkProblemsOptions = {}): (tree: unknown, file: MessageFile) => void {
  const { component = 'root' } = options;
  return (_tree, file) => {
    const registry = readRegistry(file.toString(), { path: file.path ?? 'PROBLEMS.md', component });
    const diagnostics = [...registry.diagnostics, ...prioritise(registry.records).diagnostics];
    for (const { code, severity, message, hint, place } of diagnostics) {
      const { line, column, offset, endLine, endColumn, endOffset } = place;
      const reported = file.message(message, {
        place: { start: { line, column, offset }, end: { line: endLine, column: endColumn, offset: endOffset } },
        ruleId: code,
        source: 'problem-registry',
      });
      if (severity === 'error') reported.fatal = true;
      if (hint !== '') reported.note = hint;
    }
    if (isProblemFileName((file.path ?? '').split(/[\\/]/).at(-1) ?? '')) suggestRecords(file, component);
  };
}

function suggestRecords(file: MessageFile, component: string): void {
  const text = file.toString();
  const index = createLineIndex(text);
  for (const { title, edit } of recordFixes(text, { component }, sureConfidence)) {
    const { line, column, offset, endLine, endColumn, endOffset } = index.place(edit);
    const reported = file.message(`This text about ${quote(title)} can be a record.`, {
      place: { start: { line, column, offset }, end: { line: endLine, column: endColumn, offset: endOffset } },
      ruleId: 'record-possible',
      source: 'problem-registry',
    });
    reported.fatal = undefined;
    reported.note = '`problems import` turns all such text into records.';
    reported.actual = text.slice(edit.start, edit.end);
    reported.expected = [edit.text];
  }
}

// The only default export: `remark --use` and `.remarkrc` load the default export of a plugin.
export default remarkProblems;
