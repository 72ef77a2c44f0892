import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import { readRegistry } from '../registry/parse/read.ts';
import { type Checked, checkProblems } from './findings.ts';
import type { Fixed } from './fixing.ts';

export interface Validation {
  /** How many files with markers were checked. */
  readonly registries: number;
  /** As they stand after the fixes. */
  readonly diagnostics: readonly Diagnostic[];
  readonly fixed: readonly Fixed[];
  /** Files that have something to fix and cannot be edited. */
  readonly refused: readonly Refused[];
  /** The text that a diagnostic's path stands for. */
  readonly textOf: (path: string) => string | undefined;
}

interface Refused {
  readonly path: string;
  readonly reason: string;
}

export interface ValidationContext {
  readonly config: Config;
  readonly cwd: string;
  readonly signal: AbortSignal | undefined;
}

/** Checks files and folders, and mends them first where that is asked for. */
export async function validatePaths(
  paths: readonly string[],
  { fix }: { readonly fix: boolean },
  context: ValidationContext,
): Promise<Validation> {
  const wanted = paths.length === 0 ? ['.'] : paths;
  let findings = await checkProblems(wanted, context);
  const { fixed, refused } = fix ? await fixFiles(findings, context.cwd) : { fixed: [], refused: [] };
  if (fixed.length > 0) findings = await checkProblems(wanted, context);
  return {
    registries: findings.registries.length,
    diagnostics: findings.diagnostics,
    fixed,
    refused,
    textOf: (path) => textIn(resolve(context.cwd, path)),
  };
}

async function fixFiles(findings: Checked, cwd: string): Promise<Pick<Validation, 'fixed' | 'refused'>> {
  const fixed: Fixed[] = [];
  const refused: Refused[] = [];
  for (const { path, component, diagnostics } of findings.registries) {
    if (!diagnostics.some((diagnostic) => diagnostic.fix?.safe === true)) continue;
    const [{ fixText }, { openRegistry }] = await Promise.all([import('./fixing.ts'), import('./editing.ts')]);
    try {
      const file = openRegistry(path, cwd);
      const result = fixText(file.text, (text) => readRegistry(text, { path, component }).diagnostics);
      if (result.fixed.length > 0) await file.replace(result.text);
      fixed.push(...result.fixed);
    } catch (error) {
      // One file that cannot be edited must not keep the others from being mended: its diagnostics stay.
      if (!(error instanceof ProblemsError)) throw error;
      refused.push({ path, reason: error.message });
    }
  }
  return { fixed, refused };
}

function textIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
