import type { Config } from '../config/config.ts';
import { checkPaths } from './scan.ts';

export interface NamesOptions {
  /** Absolute. Records are looked for below it. */
  readonly cwd: string;
  /** As `loadConfig` returns it. */
  readonly config: Config;
}

/**
 * The names that a shell can complete, each once: ids of records, in the order of their registries; instances that were
 * checked before and remediators, by name; ids of runs, the newest first. The engine is asked for its id only.
 * @throws ProblemsError `bad-config`, `state-damaged`, `state-locked`.
 */
export async function namesIn(
  what: 'records' | 'instances' | 'runs' | 'remediators',
  { cwd, config }: NamesOptions,
): Promise<readonly string[]> {
  if (what === 'records') {
    const { registries } = await checkPaths(['.'], { cwd, config, cache: true });
    return [...new Set(registries.flatMap(({ records }) => records.map(({ id }) => id)))];
  }
  const { openRemediation } = await import('./open-remediation.ts');
  const { folder, plugins, remediation: section } = config;
  const opened = await openRemediation({ folder, plugins, config: section, onlyLooking: true });
  const { session } = opened;
  try {
    if (what === 'remediators') return session.remediators.map(({ name }) => name).toSorted();
    const runs = await session.store.runs.list({ project: session.project });
    if (what === 'runs') return runs.map(({ id }) => id);
    const seen = (await session.seenInstances.list()).map(({ instance }) => instance);
    return [...new Set([...seen, ...runs.map(({ plan }) => plan.target.instance)])].toSorted();
  } finally {
    opened.close();
  }
}
