import type { Config } from '../config/config.ts';
import type { PrioritisedKind } from '../priority/index.ts';
import type { Registry } from '../registry/registry.ts';
import type { KnownProblem } from '../remediation/engine/detect.ts';
import { readPolicy, triage, type TriageSettings } from '../tasks/index.ts';

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
 * const { runs } = await remediate(remediation, { problems: knownProblems(registries, config) });
 * ```
 */
export function knownProblems(
  registries: readonly Pick<Registry, 'records'>[],
  config: Pick<Config, 'triage'>,
): readonly KnownProblem[] {
  return registries.flatMap(({ records }) => {
    const policy = readPolicy(records.find((record) => record.kind === 'integration'));
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
