import type { Diagnostic, Fix } from '../registry/diagnostics.ts';
import { applyEdits } from '../registry/edit/index.ts';

/** What the fix of one diagnostic did. */
export interface Fixed {
  readonly path: string;
  readonly line: number;
  readonly code: string;
  readonly description: string;
}

export interface FixedText {
  readonly text: string;
  readonly fixed: readonly Fixed[];
}

type Fixable = Diagnostic & { readonly fix: Fix };

/** One fix can make room for another; one that only brings the next on would go on for ever. */
const mostRounds = 20;

/** Applies the safe fixes of a text and looks at it again after each round, until none is left. */
export function fixText(text: string, look: (text: string) => readonly Diagnostic[]): FixedText {
  const fixed: Fixed[] = [];
  let current = text;
  for (let round = 0; round < mostRounds; round++) {
    const taken = apart(look(current).filter(isSafe));
    const after = applyEdits(
      current,
      taken.flatMap(({ fix }) => fix.edits),
    );
    if (after === current) break;
    current = after;
    fixed.push(
      ...taken.map(({ path, place, code, fix }) => ({ path, line: place.line, code, description: fix.description })),
    );
  }
  return { text: current, fixed };
}

function isSafe(diagnostic: Diagnostic): diagnostic is Fixable {
  return diagnostic.fix?.safe === true && diagnostic.fix.edits.length > 0;
}

/** Fixes that do not touch one another: a fix is applied whole or, in this round, not at all. */
function apart(diagnostics: readonly Fixable[]): readonly Fixable[] {
  let end = -1;
  return diagnostics
    .toSorted((a, b) => startOf(a) - startOf(b))
    .filter((diagnostic) => {
      if (startOf(diagnostic) < end) return false;
      end = Math.max(...diagnostic.fix.edits.map((edit) => edit.end));
      return true;
    });
}

function startOf({ fix }: Fixable): number {
  return Math.min(...fix.edits.map((edit) => edit.start));
}
