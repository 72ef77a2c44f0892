import { isAbsolute, join, normalize } from 'node:path';
import { child, type ComposeFile, find, itemsOf, literalOf, type SourceFile, valuesOf } from './document.ts';
import { type EnvironmentEntry, readEnvironment } from './variables.ts';

/** Which Compose project a container belongs to, as the labels say that Compose put on it. Pure. */

/** Absolute paths; a stranger may have written them. */
export interface ComposeProject {
  readonly name: string;
  readonly folder: string;
  /** In the order in which Compose merges them. */
  readonly files: readonly string[];
  /** The file that sets variables, if a label names one. Default: `.env` in the folder, if it is there. */
  readonly environmentFile: string | null;
}

export interface ComposeService extends ComposeProject {
  readonly service: string;
  /** What Compose compares to tell whether the container is as its files say. */
  readonly hash: string;
}

/** The files of a project as they are read. */
export interface ComposeSources {
  readonly files: readonly ComposeFile[];
  /** `.env`, if it is there. */
  readonly environment: SourceFile | undefined;
}

const label = 'com.docker.compose.';

/** The name of the container's Compose project. Undefined if it belongs to none. */
export function projectNameOf(labels: Readonly<Record<string, string>>): string | undefined {
  return labels[`${label}project`];
}

/** The name of the container's service, for messages. Undefined if it belongs to none. */
export function serviceNameOf(labels: Readonly<Record<string, string>>): string | undefined {
  return labels[`${label}service`];
}

/** The key in the project's files of a volume with these labels. Undefined if Compose did not make it. */
export function volumeKeyOf(labels: Readonly<Record<string, string>>): string | undefined {
  return labels[`${label}volume`];
}

/** Whether a container is one of this service. */
export function isOfService(labels: Readonly<Record<string, string>>, project: string, service: string): boolean {
  const found = serviceOf(labels);
  return found?.name === project && found.service === service;
}

/** The paths that the labels state, for messages: the files, or what is known. */
export function statedFiles(labels: Readonly<Record<string, string>>): string {
  return labels[`${label}project.config_files`] ?? 'its compose file';
}

/** Undefined if the labels do not tell everything, as with versions of Compose before 1.25. */
export function serviceOf(labels: Readonly<Record<string, string>>): ComposeService | undefined {
  const name = projectNameOf(labels);
  const folder = labels[`${label}project.working_dir`];
  const files = labels[`${label}project.config_files`];
  const service = serviceNameOf(labels);
  const hash = labels[`${label}config-hash`];
  if (name === undefined || folder === undefined || files === undefined || service === undefined) return undefined;
  if (hash === undefined || !/^[a-z0-9][a-z0-9_.-]{0,200}$/.test(name)) return undefined;
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/.test(service) || !isAbsolute(folder)) return undefined;
  const stated = labels[`${label}project.environment_file`];
  const paths = files.split(',').map((path) => absolute(folder, path));
  if (paths.length > 20 || files.trim() === '') return undefined;
  return {
    name,
    folder: normalize(folder),
    files: paths,
    environmentFile: stated === undefined || stated === '' ? null : absolute(folder, stated),
    service,
    hash,
  };
}

function absolute(folder: string, path: string): string {
  return normalize(isAbsolute(path) ? path : join(folder, path));
}

/**
 * Why the files must not be handed to the Compose client: it would read or fetch something that the user's folder does not
 * hold, or contact another engine. Undefined if they may.
 */
export function unsafeSource({ files, environment }: ComposeSources): string | undefined {
  for (const compose of files) {
    const { path } = compose.file;
    if (find(compose, ['include']) !== undefined) return `${path} includes other files.`;
    // What that file reads in turn, Compose would fetch from git and OCI addresses too.
    if (valuesOf(compose, 'extends').some((found) => child(compose, found, 'file') !== undefined))
      return `${path} extends a service of another file.`;
  }
  const stranger = [...environmentOf({ files, environment }).keys()].find((name) => name.startsWith('DOCKER_'));
  return stranger === undefined
    ? undefined
    : `${environment?.path ?? '.env'} sets ${stranger}, which moves the client to another engine.`;
}

export function environmentOf({ environment }: ComposeSources): ReadonlyMap<string, EnvironmentEntry> {
  return environment === undefined ? new Map() : readEnvironment(environment.text);
}

/** The profiles of a service in any file: it takes part only if one of them is active. */
export function profilesOf({ files }: ComposeSources, service: string): readonly string[] {
  const profiles = files.flatMap((compose) => {
    const list = find(compose, ['services', service, 'profiles']);
    return list === undefined ? [] : itemsOf(compose, list).flatMap(({ node }) => literalOf(compose, node)?.text ?? []);
  });
  return [...new Set(profiles)].filter((profile) => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(profile));
}

/** Whether the service takes a part of its definition from another one. */
export function isExtended({ files }: ComposeSources, service: string): boolean {
  return files.some((compose) => {
    const found = find(compose, ['services', service]);
    return found !== undefined && child(compose, found, 'extends') !== undefined;
  });
}
