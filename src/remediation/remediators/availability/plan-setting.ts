import { hash } from 'node:crypto';
import { posix } from 'node:path';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { changeAndStart, dataFile, otherUser } from '../../shared/data-directory.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { isOfData, lineThatSets, onMachine, type RefusedSetting, refusedSettings } from './refused-settings.ts';
import type { AvailabilityDetails, AvailabilityExpected } from './types.ts';

const autoConf = 'postgresql.auto.conf';

/** A line to comment out. */
interface Place {
  readonly file: 'postgresql.conf' | typeof autoConf;
  readonly line: number;
  readonly text: string;
}

/**
 * Comments out the lines that the server refuses, and starts it. The server's program is asked again which ones these are, since
 * a log line alone does not justify an edit. Undefined: it names none.
 */
export async function planSetting(
  finding: Finding<AvailabilityDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<AvailabilityExpected> | Refusal | undefined> {
  const { container } = instance;
  const { name } = container;
  const read = await host.probes.fileSettings(instance, ['max_connections']).catch(() => undefined);
  if (read === undefined) return undefined;
  if (read.ok)
    return refusal(
      `The server of ${name} reads its config files without an error now.`,
      `Run \`docker start ${name}\`.`,
    );
  const refused = refusedSettings(read.message);
  if (refused.length === 0) return undefined;
  const texts = await textsOf(instance, host);
  const places = refused.map((one) => placeOf(one, instance, texts));
  const foreign = refused.filter((_, index) => places[index] === undefined);
  if (foreign.length > 0)
    return refusal(
      `${instance.name} would not start: ${refused.map(({ says }) => says).join('; ')}.`,
      `${foreign.map((one) => adviceFor(one, instance)).join(' ')} Then run \`docker start ${name}\`.`,
    );
  const other = await otherUser(instance, host);
  if (other !== undefined)
    return refusal(`${other.name} is running on the data of ${name}.`, `Stop one of the two first.`);
  return planOf(
    finding,
    instance,
    refused,
    places.filter((place) => place !== undefined),
    texts,
  );
}

/** The config files that the server reads and that belong to the data. */
async function textsOf(instance: Instance, host: ReadonlyHost): Promise<ReadonlyMap<Place['file'], string>> {
  const texts = new Map<Place['file'], string>();
  for (const file of ['postgresql.conf', autoConf] as const) {
    const path = posix.join(instance.dataDirectory, file);
    if (file !== autoConf && configFile(instance) !== path) continue;
    const text = isOfData(instance, path) ? await dataFile(host, instance, file) : undefined;
    if (text !== undefined) texts.set(file, text);
  }
  return texts;
}

function configFile({ container: { command }, dataDirectory }: Instance): string {
  const named = command.map((one) => /^(?:-c|--)?config_file=(.+)$/s.exec(one)?.[1]);
  return named.findLast((path) => path !== undefined) ?? posix.join(dataDirectory, 'postgresql.conf');
}

/** Undefined: in no file that belongs to the data. ALTER SYSTEM wins over the other file. */
function placeOf(
  { name, file, line }: RefusedSetting,
  instance: Instance,
  texts: ReadonlyMap<Place['file'], string>,
): Place | undefined {
  if (file === undefined && wordThatSets(name, instance) !== undefined) return undefined;
  for (const candidate of [autoConf, 'postgresql.conf'] as const) {
    const text = texts.get(candidate);
    if (text === undefined) continue;
    if (file !== undefined && posix.join(instance.dataDirectory, candidate) !== file) continue;
    const at = name === undefined ? line : (exactly(text, name, line) ?? lineThatSets(text, name));
    if (at !== undefined) return { file: candidate, line: at, text };
  }
  return undefined;
}

/** The line that the server names, if it really sets this. */
function exactly(text: string, name: string, line: number | undefined): number | undefined {
  if (line === undefined) return undefined;
  return lineThatSets(text.split('\n')[line - 1] ?? '', name) === undefined ? undefined : line;
}

/** The word of the command that sets this. */
function wordThatSets(name: string | undefined, { container: { command } }: Instance): string | undefined {
  if (name === undefined) return undefined;
  const wanted = `${name.toLowerCase()}=`;
  return command.find((word) =>
    word
      .replace(/^(?:-c|--)/, '')
      .toLowerCase()
      .startsWith(wanted),
  );
}

function adviceFor({ name, file, line }: RefusedSetting, instance: Instance): string {
  const word = file === undefined ? wordThatSets(name, instance) : undefined;
  if (word !== undefined) return `Create the container without \`${word.slice(0, 200)}\` in its command.`;
  if (file !== undefined && line !== undefined)
    return `Put # at the start of line ${line} of ${onMachine(instance, file) ?? file}, or correct the line.`;
  const path = file ?? configFile(instance);
  return `Correct ${name ?? 'the setting'} in ${onMachine(instance, path) ?? path}, or in a file that it includes.`;
}

function planOf(
  finding: Finding<AvailabilityDetails>,
  instance: Instance,
  refused: readonly RefusedSetting[],
  places: readonly Place[],
  texts: ReadonlyMap<Place['file'], string>,
): Plan<AvailabilityExpected> {
  const what = refused.map(({ name }) => name ?? 'a line that is not a setting').join(', ');
  const files = [...texts].flatMap(([file, text]) => {
    const lines = [...new Set(places.filter((place) => place.file === file).map(({ line }) => line))];
    return lines.length === 0 ? [] : [{ file, text, lines: lines.toSorted((a, b) => a - b) }];
  });
  return {
    ...planOn(finding, instance),
    summary: `Comment out what ${instance.name} refuses to start with (${what}), and start it.`,
    done: `${instance.name} started without ${what}`,
    steps: changeAndStart(
      instance,
      files.map(({ file, text, lines }) => ({
        action: 'setting.comment-out',
        params: { instance: instance.name, file, sha256: hash('sha256', text), lines },
        why: 'The server refuses what it says there.',
      })),
    ),
    risk: 'data',
    approval: 'it changes a setting that someone has written',
    downtime: { seconds: 0, why: 'it is down already' },
    unpredictable: [
      `Without these lines another file or the default decides what ${what} is.`,
      'The server checks values only if it knows every name. If it refuses another line then, the run is undone, and both must be corrected by hand.',
    ],
    undo: 'Stops the container again, and restores the files.',
    expected: { container: instance.container.id },
  };
}
