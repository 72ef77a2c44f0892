import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { createDiagnosticCollector } from '../registry/diagnostics.ts';
import { createLineIndex } from '../registry/position.ts';
import { componentsOf, statedNames } from '../scan/components.ts';
import { foldersOf, relativePath } from '../scan/locations.ts';
import { decodeContent, registryOf } from '../scan/registry-file.ts';
import { check } from './findings.ts';
import type { Validation } from './validation.ts';

export interface InputOptions {
  /** As it is called in the report, which also decides the component. */
  readonly name: string | undefined;
  readonly fix: boolean;
  readonly config: Config;
  readonly cwd: string;
}

/**
 * Checks what stands on standard input as if it were a file.
 * @throws ProblemsError `bad-usage`: other paths or a fix were asked for too.
 */
export async function validateInput(
  paths: readonly string[],
  input: Uint8Array,
  options: InputOptions,
): Promise<Validation> {
  const { name = 'PROBLEMS.md', fix, config, cwd } = options;
  if (paths.length > 1) throw new ProblemsError('bad-usage', 'standard input is checked alone, without other paths');
  if (fix) throw new ProblemsError('bad-usage', 'standard input cannot be mended in place', { hint: 'Name the file.' });
  const path = name.replaceAll('\\', '/');
  const file = resolve(realpathSync.native(cwd), path);
  const folders = foldersOf(relativePath(realpathSync.native(cwd), file)).slice(0, -1);
  const stated = statedNames(config.components, config.folder)(file);
  const component = componentsOf([{ path, folders, outer: [], stated }]).get(path) ?? 'root';
  const content = decodeContent(Buffer.from(input));
  const registries = content.type === 'text' ? [registryOf(content, { path, component })] : [];
  const report = createDiagnosticCollector(path, createLineIndex(''));
  if (content.type === 'refused') {
    const { code, message, hint } = content;
    report.add(code, { start: 0, end: 0 }, { message, ...(hint === undefined ? {} : { hint }) });
  }
  const { diagnostics } = await check({ registries, diagnostics: report.diagnostics }, config);
  const text = content.type === 'text' ? content.text : undefined;
  return { registries: registries.length, diagnostics, fixed: [], refused: [], textOf: () => text };
}
