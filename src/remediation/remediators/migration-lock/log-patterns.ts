import type { LogLine } from '../../../host/docker/types.ts';

/**
 * Errors of the losers of a DDL race (docs/engineering/migrations.md#ddl-races), and of failed index builds.
 */
const messages =
  /duplicate key value violates unique constraint "pg_\w+"|tuple concurrently (?:updated|deleted)|deadlock detected|canceling statement due to (?:lock timeout|statement timeout|user request)|(?:relation|type|schema|extension|role) "[^"]*" already exists|could not create unique index/;

export interface LoggedError {
  readonly at: string;
  readonly text: string;
  /** The statement on one line; empty if PostgreSQL did not log it. */
  readonly statement: string;
}

/** Errors of that kind with their statements, oldest first. */
export function raceErrors(lines: readonly LogLine[]): readonly LoggedError[] {
  const found: LoggedError[] = [];
  for (const [index, { at, text }] of lines.entries()) {
    if (!/\b(?:ERROR|FATAL): /.test(text) || !messages.test(text)) continue;
    found.push({ at, text, statement: statementAfter(lines.slice(index + 1, index + 40)) });
  }
  return found;
}

/** `STATEMENT:` and the lines that continue it, which begin with a tab. */
function statementAfter(lines: readonly LogLine[]): string {
  const parts: string[] = [];
  for (const { text } of lines) {
    const begun = /\bSTATEMENT: {2}(.*)/.exec(text)?.[1];
    if (begun !== undefined && parts.length === 0) parts.push(begun);
    else if (text.startsWith('\t')) {
      if (parts.length > 0) parts.push(text);
    } else if (parts.length > 0 || /\b(?:ERROR|LOG|FATAL): /.test(text)) break;
  }
  return onOneLine(parts.join(' '));
}

/** Whether an error's statement contains one of these SQL texts. */
export function speaksOf({ statement }: LoggedError, texts: readonly string[]): boolean {
  return texts.some((text) => {
    const wanted = onOneLine(text).replace(/;$/, '').trim().slice(0, 200);
    return wanted.length >= 10 && statement.includes(wanted);
  });
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
