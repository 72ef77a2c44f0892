import type { Config } from '../config/config.ts';
import type { PrioritisedKind } from '../priority/index.ts';
import type { Registry } from '../registry/registry.ts';
import type { Remediator } from '../remediation/contract.ts';
import type { KnownProblem } from '../remediation/engine/record-for.ts';
import {
  type Classifier,
  classifierWith,
  type Policy,
  readPolicy,
  triage,
  type TriageSettings,
} from '../tasks/index.ts';
import { claimsOf } from '../tasks/classify.ts';
import { pluginClaims } from './plugins.ts';

/**
 * The records of registries as the remediation engine needs them: each problem that may have to be repaired with its
 * triage, which follows from the record, its registry's own policy and the config. With these as `problems`, `plan` and
 * `remediate` decide what may run unattended exactly as the command line does. So they do with the registries themselves as
 * `registries`, if the remediation was opened with the `triage` of the config.
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
  return problemsIn(registries, config.triage, classifierWith(await pluginClaims(config)));
}

/** The same with the topics that these remediators claim. */
export function problemsOf(
  registries: readonly Pick<Registry, 'records'>[],
  settings: TriageSettings,
  remediators: readonly Pick<Remediator, 'name' | 'claims'>[],
): readonly KnownProblem[] {
  return problemsIn(registries, settings, classifierOf(remediators));
}

/**
 * Gives problems without a triage one that asks: the policy of their registry is not known, so nothing may follow from its
 * absence.
 */
export function withTriage(
  problems: readonly KnownProblem[],
  settings: TriageSettings,
  remediators: readonly Pick<Remediator, 'name' | 'claims'>[],
): readonly KnownProblem[] {
  if (problems.every((problem) => problem.triage !== undefined)) return problems;
  const unknown = readPolicy(undefined, classifierOf(remediators));
  return problems.map((problem) => {
    const { record } = problem;
    const isOpen = record.kind === 'active' || record.kind === 'intermittent';
    return problem.triage === undefined && isOpen ? triaged(record, unknown, settings) : problem;
  });
}

function classifierOf(remediators: readonly Pick<Remediator, 'name' | 'claims'>[]): Classifier {
  return classifierWith(claimsOf(remediators));
}

function problemsIn(
  registries: readonly Pick<Registry, 'records'>[],
  settings: TriageSettings,
  classifier: Classifier,
): readonly KnownProblem[] {
  return registries.flatMap(({ records }) => {
    const integration = records.find((record) => record.kind === 'integration');
    const policy = readPolicy(integration, classifier);
    return records.map((record) =>
      record.kind === 'active' || record.kind === 'intermittent' ? triaged(record, policy, settings) : { record },
    );
  });
}

function triaged(record: PrioritisedKind, policy: Policy, settings: TriageSettings): KnownProblem {
  const decided = triage(record, policy, settings);
  const byConfig = settings.problems?.[record.id] !== undefined || settings.classes?.[decided.class] !== undefined;
  return { record, triage: decided, ...(byConfig ? { byConfig: true } : {}) };
}
