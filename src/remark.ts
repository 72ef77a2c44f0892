import { prioritise } from './priority/index.ts';
import { readRegistry } from './registry/parse/read.ts';

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
  ): { fatal?: boolean | null | undefined; note?: string | undefined };
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
 * hint as `note`, and errors as `fatal`. It reads the text, not the tree, and changes neither.
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
  };
}

// The only default export: `remark --use` and `.remarkrc` load the default export of a plugin.
export default remarkProblems;
