import { readFileSync } from 'node:fs';

/** The version of the package. */
export function packageVersion(): string {
  // Two folders below the package's root from the source and from the bundle alike.
  const declaration: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const known = typeof declaration === 'object' && declaration !== null && 'version' in declaration;
  return known && typeof declaration.version === 'string' ? declaration.version : 'unknown';
}
