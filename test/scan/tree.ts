import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Diagnostic } from '../../src/registry/diagnostics.ts';
import { scanAll, type ScanOptions } from '../../src/scan/scan.ts';

/** A registry of one record. */
export function record(title: string): string {
  return [
    '# Problems',
    '',
    '<!-- EMBED:RESOLVEDPROBLEM:START -->',
    `### ${title}`,
    '**Resolved:** 2025-01-31',
    '<!-- EMBED:RESOLVEDPROBLEM:END -->',
    '',
  ].join('\n');
}

/** An empty folder that is gone after the test. */
export function emptyFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'problems-scan-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function write(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** A folder with these files. */
export function tree(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = emptyFolder();
  write(root, files);
  return root;
}

/** What a scan of a folder from within finds: each registry with its component. */
export async function found(
  root: string,
  options: ScanOptions = {},
  paths: readonly string[] = ['.'],
): Promise<Record<string, string>> {
  const { registries } = await scanAll(paths, { cwd: root, ...options });
  return Object.fromEntries(registries.map(({ path, component }) => [path, component]));
}

export function codes(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ path, code }) => `${path}: ${code}`);
}
