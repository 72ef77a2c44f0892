import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import { type SettingChanges, undoneText } from '../../postgres/auto-conf.ts';
import type { Host, ReadonlyHost } from '../contract.ts';
import { settled, writeDataFile } from './data-file.ts';

const file = 'postgresql.auto.conf';

/** The text of `postgresql.auto.conf`, whether or not the server is running. */
export async function autoConfOf(host: ReadonlyHost, { container, dataDirectory }: Instance): Promise<string> {
  const bytes = await host.docker.file(container.id, `${dataDirectory}/${file}`);
  if (bytes === undefined)
    throw new ProblemsError('step-refused', `${container.name} has no ${file} in ${dataDirectory}.`);
  // The text is written back, so it must be the bytes.
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** The same, after helpers of an earlier process have ended. */
export async function settledAutoConf(host: ReadonlyHost, instance: Instance): Promise<string> {
  await settled(host, instance);
  return autoConfOf(host, instance);
}

/** The text that undoes the changes, even if other settings have been changed since. */
export function textToPutBack({ name }: Instance, now: string, before: string, changes: SettingChanges): string {
  const text = undoneText(now, before, changes);
  if (text !== undefined) return text;
  const names = Object.keys(changes).join(', ');
  throw new ProblemsError(
    'step-refused',
    `At least one of ${names} in ${file} of ${name} has been changed since; the file is left unchanged.`,
  );
}

/** Replaces the text if it is still `now`. */
export async function writeAutoConf(host: Host, instance: Instance, now: string, text: string): Promise<void> {
  await writeDataFile(host, instance, { file, now, text });
}
