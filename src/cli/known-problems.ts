import type { Config } from '../config/config.ts';
import type { KnownProblem } from '../app/remediation.ts';
import type { PrioritisedKind } from '../priority/index.ts';
import { readPolicy, triage, type TriageSettings } from '../tasks/index.ts';
import { checkProblems } from './findings.ts';

/** The records of the working folder's registries, with what triage says of those that may have to be repaired. */
export async function problemsOf(cwd: string, config: Config): Promise<readonly KnownProblem[]> {
  const { registries } = await checkProblems(['.'], { cwd, config });
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
  settings: TriageSettings = {},
): KnownProblem {
  const said = triage(record, policy, settings);
  const byConfig = settings.problems?.[record.id] !== undefined || settings.classes?.[said.class] !== undefined;
  return { record, triage: said, ...(byConfig ? { byConfig: true } : {}) };
}
