import type { Config } from '../config/config.ts';
import type { PrioritisedKind } from '../priority/index.ts';
import type { Registry } from '../registry/registry.ts';
import type { KnownProblem } from '../remediation/engine/record-for.ts';
import { classifierWith, readPolicy, triage, type TriageSettings } from '../tasks/index.ts';
import { pluginClaims } from './plugins.ts';

/**
 * The records of registries as the remediation engine needs them: each problem that may have to be repaired with its
 * triage, which follows from the record, its registry's own policy and the config. With these as `problems`, `plan` and
 * `remediate` decide what may run unattended exactly as the command line does.
 *
 * ```ts
 * const config = await loadConfig(cwd);
 * const { registries } = await checkPaths(['.'], { cwd, config });
 * const { folder, plugins } = config;
 * const remediation = await openRemediation({ folder, config: config.remediation, plugins });
 * const { runs } = await remediate(remediation, { problems: await knownProblems(registries, config) });
 * ```
 * @throws ProblemsError `bad-config`: a plugin that the config names cannot be loaded.
 */
export async function knownProblems(
  registries: readonly Pick<Registry, 'records'>[],
  config: Pick<Config, 'triage' | 'plugins' | 'folder'>,
): Promise<readonly KnownProblem[]> {
  const classifier = classifierWith(await pluginClaims(config));
  return registries.flatMap(({ records }) => {
    const integration = records.find((record) => record.kind === 'integration');
    const policy = readPolicy(integration, classifier);
    return records.map((record) =>
      record.kind === 'active' || record.kind === 'intermittent' ? triaged(record, policy, config.triage) : { record },
    );
  });
}

function triaged(
  record: PrioritisedKind,
  policy: ReturnType<typeof readPolicy>,
  settings: TriageSettings,
): KnownProblem {
  const decided = triage(record, policy, settings);
  const byConfig = settings.problems?.[record.id] !== undefined || settings.classes?.[decided.class] !== undefined;
  return { record, triage: decided, ...(byConfig ? { byConfig: true } : {}) };
}
