import { resolve } from 'node:path';
import type { Config, ServiceSection } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import type { EngineChoice } from '../host/docker/address.ts';
import { checkSchedule, intervalMs } from './scheduler.ts';

/** The section `service` of the config, with its defaults. Times of cron patterns are UTC. */
export interface ServiceSettings {
  /** `host:port`, or `unix:/path`. */
  readonly listen: string;
  /** A cron pattern or an interval. */
  readonly rounds: string;
  /** An interval in milliseconds. */
  readonly lookMs: number;
  readonly look: string;
  readonly backups: { readonly verify: string; readonly drill: string; readonly archive: string };
  readonly remediate: 'off' | 'auto-only';
  /** Whether rounds write what they found and repaired into the registries, and bring the queue up to date. */
  readonly record: boolean;
  readonly engines: readonly EngineSettings[];
}

export interface EngineSettings {
  readonly name: string;
  /** Undefined: the engine that the environment names. */
  readonly choice: EngineChoice | undefined;
}

const defaults = {
  listen: '127.0.0.1:4817',
  rounds: '5m',
  look: '30s',
  verify: '30 2 * * *',
  drill: '0 4 * * 0',
  // The first Sunday of the month, after the weekly drill.
  archive: '0 6 * * 0#1',
} as const;

/** The name of the only engine of a config that lists none. */
const onlyEngine = 'local';

/** @throws ProblemsError `bad-config`: a schedule that cannot be used, or two engines of one name. */
export function serviceSettings({ service, folder, remediation }: Config): ServiceSettings {
  const { backups = {}, engines = [] } = service;
  const settings: ServiceSettings = {
    listen: service.listen ?? defaults.listen,
    rounds: service.rounds ?? defaults.rounds,
    look: service.look ?? defaults.look,
    lookMs: intervalMs(service.look ?? defaults.look) ?? 30_000,
    backups: {
      verify: backups.verify ?? defaults.verify,
      drill: backups.drill ?? defaults.drill,
      archive: backups.archive ?? defaults.archive,
    },
    remediate: service.remediate ?? 'off',
    record: service.record ?? false,
    engines: enginesOf(engines, folder),
  };
  for (const [key, schedule] of [
    ['rounds', settings.rounds],
    ['backups.verify', settings.backups.verify],
    ['backups.drill', settings.backups.drill],
    ['backups.archive', settings.backups.archive],
  ] as const)
    checkSchedule(schedule, `service.${key}`);
  requireOneStateEach(settings.engines, remediation);
  return settings;
}

function enginesOf(engines: NonNullable<ServiceSection['engines']>, folder: string): readonly EngineSettings[] {
  if (engines.length === 0) return [{ name: onlyEngine, choice: undefined }];
  const names = engines.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new ProblemsError('bad-config', `service.engines: two engines are named ${twice}`, {
      hint: 'Give each engine another name.',
    });
  return engines.map(({ name, host, certificates }) => ({
    name,
    choice: { host, certificates: certificates === undefined ? undefined : resolve(folder, certificates) },
  }));
}

/** Locks, leases and suspensions belong to one engine, so two engines must not share a state file. */
function requireOneStateEach(engines: readonly EngineSettings[], remediation: Config['remediation']): void {
  const stated = remediation['state'] ?? process.env['PROBLEMS_STATE'] ?? '';
  if (engines.length < 2 || stated === '') return;
  throw new ProblemsError('bad-config', 'Several engines cannot share one state file.', {
    hint: 'Remove remediation.state and PROBLEMS_STATE: then each engine has a state file in your state folder.',
  });
}
