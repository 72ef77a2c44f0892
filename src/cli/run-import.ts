import {
  type ImportRecordsOptions,
  planRecordsImport,
  type RecordsImport,
  writeRecordsImport,
  type WrittenImport,
} from '../app/import-records.ts';
import { repeatOnChange } from '../app/watch.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { importDiff, importJson, importText } from '../reporters/import.ts';
import { jsonLine, toJson } from '../reporters/json.ts';
import { isProblemFileName } from '../scan/walk.ts';
import type { Invocation, OptionDeclarations } from './command.ts';
import { type ConfigChoice, configFor } from './shared-options.ts';
import type { Screen } from './terminal.ts';

export interface ImportRequest extends ConfigChoice {
  readonly paths: readonly string[];
  readonly into: string | undefined;
  readonly minConfidence: number;
  readonly write: boolean;
  readonly json: boolean;
  readonly watch: boolean;
}

type ImportContext = Pick<Invocation<OptionDeclarations>, 'cwd' | 'screen' | 'signal'>;

/** Plans an import, writes it if that is wanted, and prints both. Returns the exit code. */
export async function importOnce(request: ImportRequest, { cwd, screen, signal }: ImportContext): Promise<number> {
  const { into, minConfidence } = request;
  const config = await configFor(request, cwd);
  return importAndPrint(request, { cwd, config, signal, into, minConfidence }, screen);
}

/** The same again whenever a problem file changes, until the signal is aborted. Returns the last exit code. */
export async function importContinuously(
  request: ImportRequest,
  { cwd, screen, signal }: ImportContext,
): Promise<number> {
  const { paths, into, minConfidence } = request;
  let code = 0;
  let isFirst = true;
  let last = '';
  const loadConfig = () => configFor(request, cwd);
  const events = repeatOnChange(paths, { cwd, signal, loadConfig, isWanted: isProblemFileName }, async (config) => {
    const options = { cwd, config, signal, into, minConfidence };
    const planned = await planRecordsImport(paths, options);
    const left = leftOver(planned);
    // Its own writing is a change too, after which there is nothing to tell.
    const isNews = isFirst || left !== last || hasChanges(planned);
    last = left;
    return isNews ? finish(request, planned, options, screen) : code;
  });
  for await (const event of events) {
    if (event.type === 'done') code = event.result;
    else screen.notes.write(`problems: ${escapeTerminal(event.error.message)}\n`);
    if (isFirst) screen.notes.write('Watching for changes.\n');
    isFirst = false;
  }
  return code;
}

async function importAndPrint(request: ImportRequest, options: ImportRecordsOptions, screen: Screen): Promise<number> {
  return finish(request, await planRecordsImport(request.paths, options), options, screen);
}

async function finish(
  request: ImportRequest,
  planned: RecordsImport,
  options: ImportRecordsOptions,
  { out, notes }: Screen,
): Promise<number> {
  const outcome = request.write ? await writeRecordsImport(planned, options) : undefined;
  if (request.json) out.write((request.watch ? jsonLine : toJson)(importJson(planned, request.minConfidence, outcome)));
  else {
    out.write(importText(planned, out.style));
    if (outcome === undefined && hasChanges(planned)) out.write(`\n${importDiff(planned, out.style)}`);
  }
  notes.write(outcome === undefined ? adviceText(planned) : writtenText(outcome));
  return planned.refused.length + (outcome?.refused.length ?? 0) === 0 ? 0 : 2;
}

function hasChanges({ registries }: RecordsImport): boolean {
  return registries.some(({ before, after }) => after !== undefined && after !== before);
}

/** What is left to people, to be compared. */
function leftOver({ registries, refused }: RecordsImport): string {
  const isDone = ['added', 'updated', 'unchanged'];
  return JSON.stringify([
    registries.map(({ items }) => items.filter(({ action }) => !isDone.includes(action))),
    refused,
  ]);
}

function adviceText(planned: RecordsImport): string {
  return hasChanges(planned) ? 'Nothing was written: --write adds these records.\n' : '';
}

function writtenText({ written, refused }: WrittenImport): string {
  const lines = [
    ...written.map((path) => `Wrote ${path}.`),
    ...refused.map(({ path, message }) => `${path}: ${message}`),
  ];
  return lines.length === 0 ? 'Nothing to write.\n' : `${lines.map(escapeTerminal).join('\n')}\n`;
}
