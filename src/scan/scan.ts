import { createDiagnosticCollector, type Diagnostic, type DiagnosticCode } from '../registry/diagnostics.ts';
import { createLineIndex } from '../registry/position.ts';
import type { Registry } from '../registry/registry.ts';
import { type Candidate, type Candidates, findCandidates } from './candidates.ts';
import { componentsOf, rivalsOf } from './components.ts';
import type { ScanOptions } from './options.ts';
import { type FileContent, readContent, registryOf } from './registry-file.ts';
import type { Yielder } from './yield.ts';

export type { ScanOptions, ScanProgress } from './options.ts';

export interface ScanResult {
  /** In the order of their paths. */
  readonly registries: readonly Registry[];
  /** Problems outside the registries, such as a file that cannot be read; in the order of the paths. */
  readonly diagnostics: readonly Diagnostic[];
  /** Paths of problem files that hold no record, in order: ordinary prose, and registries without any. */
  readonly withoutRecords: readonly string[];
}

/**
 * Reads the registries of folders and files, one after the other in the order of their paths. In a folder and below it,
 * these are the files named `PROBLEMS.md`, in any case, that no ignore file ignores. A given file is read whatever its
 * name. A file without markers is ordinary prose: it is not a registry, and its folder does not become a component.
 * Every component is named before the first registry is yielded; texts are not kept.
 *
 * @example
 * for await (const { path, records } of scan(['services'])) console.log(path, records.length);
 * @throws the signal's reason, once it is aborted.
 */
export async function* scan(paths: readonly string[], options: ScanOptions = {}): AsyncGenerator<Registry, void> {
  yield* readCandidates(await findCandidates(paths, options), options);
}

async function* readCandidates(
  { candidates, others, refused, yielder }: Candidates,
  options: ScanOptions,
): AsyncGenerator<Registry, void> {
  for (const { path, message } of refused) tell(options, path, 'file-unreadable', message);
  const texts = await readTexts(candidates, options, yielder);
  const found = [...texts.keys()];
  const rivals = rivalsOf(found, others, options.rootComponent).filter((other) => readContent(other).type === 'text');
  const components = componentsOf([...found, ...rivals], options.rootComponent);
  for (const [candidate, text] of texts) {
    const content = text ?? readContent(candidate);
    texts.set(candidate, undefined);
    if (content.type === 'text') {
      yield registryOf(content, {
        path: candidate.path,
        component: components.get(candidate.path) ?? 'root',
        ...(options.outline === undefined ? {} : { outline: options.outline }),
      });
      yielder.read++;
      await yielder.pause();
    }
  }
}

/** All registries of `scan` in one result. @throws the signal's reason, once it is aborted. */
export async function scanAll(paths: readonly string[], options: ScanOptions = {}): Promise<ScanResult> {
  return readAll(await findCandidates(paths, options), options);
}

/** The second half of `scanAll`: reads what `findCandidates` found with the same options. */
export async function readAll(found: Candidates, options: ScanOptions): Promise<ScanResult> {
  const diagnostics: Diagnostic[] = [];
  const onDiagnostic = (diagnostic: Diagnostic): void => {
    diagnostics.push(diagnostic);
    options.onDiagnostic?.(diagnostic);
  };
  const registries: Registry[] = [];
  for await (const registry of readCandidates(found, { ...options, onDiagnostic })) registries.push(registry);
  const filled = new Set(registries.filter(({ records }) => records.length > 0).map(({ path }) => path));
  const unread = new Set(diagnostics.map(({ path }) => path));
  const empty = found.candidates.flatMap(({ path }) => (filled.has(path) || unread.has(path) ? [] : [path]));
  return {
    registries,
    diagnostics: diagnostics.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    withoutRecords: [...found.unmarked, ...empty].toSorted(),
  };
}

/** UTF-16 code units of text that are kept until all components are named; files beyond that are read twice. */
const mostText = 8 * 1024 * 1024;

/** The candidates that contain markers. The text is undefined if it was not kept. */
async function readTexts(candidates: readonly Candidate[], options: ScanOptions, yielder: Yielder) {
  const texts = new Map<Candidate, (FileContent & { readonly type: 'text' }) | undefined>();
  let room = mostText;
  for (const candidate of candidates) {
    const content = readContent(candidate);
    if (content.type === 'refused') tell(options, candidate.path, content.code, content.message, content.hint);
    if (content.type === 'text') {
      room -= content.text.length;
      texts.set(candidate, room >= 0 ? content : undefined);
    }
    await yielder.pause();
  }
  return texts;
}

function tell({ onDiagnostic }: ScanOptions, path: string, code: DiagnosticCode, message: string, hint?: string): void {
  if (onDiagnostic === undefined) return;
  const report = createDiagnosticCollector(path, createLineIndex(''));
  report.add(code, { start: 0, end: 0 }, { message, ...(hint === undefined ? {} : { hint }) });
  for (const diagnostic of report.diagnostics) onDiagnostic(diagnostic);
}
