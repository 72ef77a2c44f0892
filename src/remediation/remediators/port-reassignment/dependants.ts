import { createHash } from 'node:crypto';
import { dirname, isAbsolute, join } from 'node:path';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost, Step } from '../../contract.ts';
import { findPort, portFileKind, withEdits } from './port-files.ts';
import type { PortSettings } from './settings.ts';

export interface Dependants {
  readonly steps: readonly Step[];
  /** What a person has to look at, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Files on the host that name the instance's port. Containers on its network use the server's own port and need no
 * change. Only what is certainly about this instance is edited: another one may have had the same port.
 */
export async function dependantsOf(
  instance: Instance,
  from: number,
  to: number,
  host: ReadonlyHost,
  settings: PortSettings,
): Promise<Dependants> {
  const steps: Step[] = [];
  const notes: string[] = [];
  for (const path of await candidatePaths(instance, host, settings)) {
    const kind = portFileKind(path);
    if (kind === undefined) {
      notes.push(`${path} is no kind of file whose port could be changed: it is left as it is.`);
      continue;
    }
    const file = await host.files.read(path).catch(() => undefined);
    if (file === undefined) continue;
    const { edits, unclear } = findPort(kind, file.text, from, to, {
      instance: instance.name,
      user: instance.user,
      database: instance.database,
      password: instance.container.env['POSTGRES_PASSWORD'] || undefined,
      own: instance.folder !== undefined && path.startsWith(`${instance.folder}/`),
    });
    if (unclear.length > 0) {
      const lines = `line${unclear.length === 1 ? '' : 's'} ${unclear.join(', ')}`;
      notes.push(
        kind === 'compose'
          ? `${path} publishes port ${from} in ${lines}: it is left as it is, and is a person's to change if it means ${instance.name}.`
          : `${path} names port ${from} in ${lines}, for this instance or another: it is left as it is.`,
      );
    }
    if (edits.length === 0) continue;
    const params = { path, from: hashOf(file.text), to: hashOf(withEdits(file.text, edits)), edits };
    steps.push({ action: 'file.replace', params, why: `Clients on this machine find ${instance.name} by its port.` });
  }
  return { steps, notes };
}

/** Of the instance's folder, of each root, and those that the config names. Sorted, each once. */
async function candidatePaths(
  { folder }: Instance,
  host: ReadonlyHost,
  { files }: PortSettings,
): Promise<readonly string[]> {
  const [project] = host.files.roots;
  const paths = new Set<string>(
    project === undefined ? [] : files.map((path) => (isAbsolute(path) ? path : join(project, path))),
  );
  const folders =
    folder === undefined
      ? host.files.roots
      : [...host.files.roots, folder, join(folder, 'config'), dirname(dirname(folder))];
  for (const parent of folders) {
    for (const name of await host.files.list(parent).catch(() => [])) {
      const path = join(parent, name);
      if (portFileKind(path) !== undefined) paths.add(path);
    }
  }
  return [...paths].sort((a, b) => (a < b ? -1 : 1));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
