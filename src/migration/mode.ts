import { type AloneKind, aloneKindOf, flatText, isClusterWide } from './classify.ts';
import { madeBy } from './objects.ts';
import { type Position, positionOf, split, type Statement } from './statements.ts';
import type { Token } from './sql-tokens.ts';

/** Why a file is not run, and where in it. */
export interface Obstacle extends Position {
  readonly message: string;
  readonly hint: string;
}

/** `tx`: the whole file in one transaction. `nontx`: its only statement alone, outside one. */
export type Mode = 'tx' | 'nontx';

export type Runnable =
  | {
      readonly mode: 'tx';
      readonly sql: string;
      readonly statements: readonly Statement[];
      readonly clusterWide: boolean;
    }
  | {
      readonly mode: 'nontx';
      readonly sql: string;
      readonly statement: Statement;
      readonly kind: AloneKind;
      readonly clusterWide: boolean;
    };

/**
 * How a file runs, decided from its text alone: in one transaction, or alone where PostgreSQL demands it. A file that
 * needs both, or that would end the runner's transaction, is refused with every place.
 */
export function runnableOf(sql: string): Runnable | { readonly obstacles: readonly Obstacle[] } {
  const { statements: all, tokens } = split(sql);
  const obstacles = [...lexicalObstacles(sql, tokens)];
  if (obstacles.length > 0) return { obstacles };
  const own = ownTransaction(sql, all);
  const statements = all.filter((statement) => !own.includes(statement));
  const clusterWide = statements.some((statement) => isClusterWide(sql, statement));
  const kinds = statements.map((statement) => aloneKindOf(sql, statement));
  const [first] = statements;
  const [firstKind] = kinds;
  if (all.length === 1 && first !== undefined && firstKind !== undefined && isUnnamed(sql, first, firstKind))
    return {
      obstacles: [
        obstacle(sql, first, 'This index has no name, so one that is left half built could not be told from others.', {
          hint: 'Give it a name.',
        }),
      ],
    };
  if (all.length === 1 && first !== undefined && firstKind !== undefined)
    return { mode: 'nontx', sql: first.text, statement: first, kind: firstKind, clusterWide };
  for (const [index, statement] of statements.entries()) {
    const kind = kinds[index];
    if (kind !== undefined)
      obstacles.push(
        obstacle(sql, statement, `${kind.name} cannot run inside a transaction, and this file holds more than it.`, {
          hint: 'Put it alone into a file of its own.',
        }),
      );
    const refused = refusedIn(sql, statement);
    if (refused !== undefined) obstacles.push(refused);
  }
  if (obstacles.length > 0) return { obstacles };
  return { mode: 'tx', sql: blanked(sql, own), statements, clusterWide };
}

function* lexicalObstacles(sql: string, tokens: readonly Token[]): Generator<Obstacle> {
  const zero = sql.indexOf('\0');
  if (zero !== -1)
    yield { ...positionOf(sql, zero), message: 'A character of code 0.', hint: 'PostgreSQL takes none: remove it.' };
  for (const { kind, start, unclosed } of tokens) {
    if (unclosed === true)
      yield {
        ...positionOf(sql, start),
        message: `This ${kind === 'comment' ? 'comment' : 'quote'} is never closed.`,
        hint: 'Close it.',
      };
    if (kind === 'backslash')
      yield {
        ...positionOf(sql, start),
        message: 'A backslash outside quotes is a command of psql, and this is not psql.',
        hint: 'Write SQL: \\i by a file of its own, \\copy by INSERT, \\set by the value itself.',
      };
  }
}

/** A file that is wrapped in BEGIN and COMMIT as a whole means just what the runner does anyway: these two statements. */
function ownTransaction(sql: string, statements: readonly Statement[]): readonly Statement[] {
  const [first] = statements;
  const last = statements.at(-1);
  if (first === undefined || last === undefined || statements.length < 2) return [];
  const begins = /^(?:BEGIN(?: WORK| TRANSACTION)?|START TRANSACTION)$/.test(flatText(sql, first));
  const commits = /^(?:COMMIT|END)(?: WORK| TRANSACTION)?$/.test(flatText(sql, last));
  return begins && commits ? [first, last] : [];
}

/** Blanks in their place, so that whatever the server says of a position still holds. */
function blanked(sql: string, statements: readonly Statement[]): string {
  let result = sql;
  for (const { start, end } of statements.flatMap(({ tokens }) => tokens))
    result = result.slice(0, start) + ' '.repeat(end - start) + result.slice(end);
  return result;
}

function refusedIn(sql: string, statement: Statement): Obstacle | undefined {
  const flat = flatText(sql, statement);
  if (
    /^(?:BEGIN|START TRANSACTION|COMMIT|END|ABORT|PREPARE TRANSACTION)\b|^ROLLBACK(?! (?:WORK |TRANSACTION )?TO\b)/.test(
      flat,
    )
  )
    return obstacle(sql, statement, 'The transaction is the runner’s: each file is applied as a whole or not at all.', {
      hint: 'Leave it out. BEGIN as the very first and COMMIT as the very last statement are passed over.',
    });
  if (/^COPY\b.*\bFROM STDIN\b/.test(flat))
    return obstacle(sql, statement, 'The lines of COPY … FROM STDIN are read by psql, and this is not psql.', {
      hint: 'Write INSERT.',
    });
  if (/^DISCARD ALL\b/.test(flat) || /\bPG_ADVISORY_UNLOCK_ALL\b/.test(flat))
    return obstacle(sql, statement, 'This would give up the lock under which migrations run.', {
      hint: 'Leave it out.',
    });
  return undefined;
}

function isUnnamed(sql: string, statement: Statement, { resumption }: AloneKind): boolean {
  return resumption === 'index' && madeBy(sql, statement) === undefined;
}

function obstacle(sql: string, { tokens }: Statement, message: string, { hint }: { readonly hint: string }): Obstacle {
  return { ...positionOf(sql, tokens[0]?.start ?? 0), message, hint };
}
