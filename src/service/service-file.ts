import { dirname, join } from 'node:path';
import { openHost } from '../app/open-host.ts';
import { findStateFile } from '../app/state-file.ts';
import type { Config } from '../config/config.ts';
import type { ServiceEngine } from './engines.ts';
import { serviceSettings } from './settings.ts';
import type { ServiceFile } from './store/store.ts';

/** Where the service of a project keeps its history: in the folder of the state file of its first engine. */
export async function serviceFile(config: Config): Promise<string> {
  const [first] = serviceSettings(config).engines;
  const chosen = first?.choice;
  const { docker } = openHost({
    roots: [config.folder],
    ...(chosen === undefined ? {} : { engine: chosen }),
  }).reader;
  const stated = config.remediation['state'];
  const place = await findStateFile({
    folder: config.folder,
    stated: typeof stated === 'string' ? stated : undefined,
    docker,
    chosen,
  });
  return join(place === undefined ? config.folder : dirname(place.path), 'service.db');
}

/** Drops what is known of engines that the config no longer names. */
export function dropOtherEngines(store: ServiceFile, engines: readonly ServiceEngine[]): void {
  const open = store.findings.list({ state: 'open', limit: 10_000 });
  const known = [...store.instances.list(), ...open.map(({ engine, finding: { instance } }) => ({ engine, instance }))];
  for (const { engine, instance } of known)
    if (!engines.some(({ name }) => name === engine)) store.instances.forget(engine, instance);
}

/** When the service first ran with this file. RFC 3339. */
export function firstStartOf(store: ServiceFile, now: Date): string {
  if (store.counters.get('first-start') === 0) store.counters.add('first-start', now.getTime());
  return new Date(store.counters.get('first-start')).toISOString();
}
