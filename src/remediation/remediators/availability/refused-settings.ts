import { posix } from 'node:path';
import type { Instance } from '../../../host/instance.ts';
import { mountAt } from '../../shared/data-directory.ts';

/** What a server says of a setting that it refuses. */
export interface RefusedSetting {
  /** Undefined for a line that is not a setting. */
  readonly name: string | undefined;
  /** The path that the server gives, if it gives one. */
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number | undefined;
  /** The server's words. */
  readonly says: string;
}

const inFile = / in file "([^"\n]+)",? (?:near )?line (\d+)/;

const names: readonly RegExp[] = [
  /unrecognized configuration parameter "([^"\n]+)"/,
  /invalid value for parameter "([^"\n]+)"/,
  /is outside the valid range for parameter "([^"\n]+)"/,
];

/** Whether a server's words say that it refuses a setting. */
export function isSettingRefused(words: string): boolean {
  return /configuration file "[^"]+" contains errors/.test(words) || names.some((pattern) => pattern.test(words));
}

/**
 * The settings that a server refuses, by what it prints at a start. For a bad value it names no file, and at the end the file of
 * the last fault. Texts of PostgreSQL 15 to 17. Pure.
 */
export function refusedSettings(printed: string): readonly RefusedSetting[] {
  const last = /configuration file "([^"\n]+)" contains errors/.exec(printed)?.[1];
  const found = faults(printed);
  return found.map((one, index) => (index === found.length - 1 ? { ...one, file: one.file ?? last } : one));
}

function faults(printed: string): readonly RefusedSetting[] {
  return printed.split('\n').flatMap((printedLine) => {
    const says = printedLine.replace(/^.*?(?:LOG|FATAL): +/, '').trim();
    const name = names.map((pattern) => pattern.exec(says)?.[1]).find((found) => found !== undefined);
    const [, file, line] = inFile.exec(says) ?? [];
    if (name === undefined && !says.startsWith('syntax error in file')) return [];
    return [{ name, file, line: line === undefined ? undefined : Number(line), says: says.slice(0, 300) }];
  });
}

const setting = /^\s*([A-Za-z_][\w.$]*)\s*(?:=|\s)/;

/** The last line that sets this; later lines replace earlier ones. From 1; undefined if none does. */
export function lineThatSets(text: string, name: string): number | undefined {
  const at = text
    .split('\n')
    .findLastIndex((one) => setting.exec(`${one} `)?.[1]?.toLowerCase() === name.toLowerCase());
  return at === -1 ? undefined : at + 1;
}

/** Where a file of a container is on the engine's machine: `undefined` if it is in the image or the container itself. */
export function onMachine({ container }: Instance, path: string): string | undefined {
  const mount = mountAt(container.mounts, path);
  return mount === undefined
    ? undefined
    : mount.type === 'volume'
      ? `${path} in the volume ${mount.name}`
      : posix.join(mount.source, posix.relative(mount.destination, path));
}

/** Whether a file belongs to the data: in the top folder of the data directory, and not mounted there from elsewhere. */
export function isOfData({ container, dataMount, dataDirectory }: Instance, path: string): boolean {
  return (
    dataMount !== undefined &&
    posix.dirname(path) === posix.normalize(dataDirectory) &&
    mountAt(container.mounts, path) === dataMount
  );
}
