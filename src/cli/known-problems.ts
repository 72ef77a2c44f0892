import type { Config } from '../config.ts';
import type { KnownProblem } from '../remediation/index.ts';
import { readPolicy, triage } from '../tasks/index.ts';
import { checkProblems } from './findings.ts';

/** The records of the working folder's registries, with what triage says of those that may have to be repaired. */
export async function problemsOf(cwd: string, config: Config): Promise<readonly KnownProblem[]> {
  const { registries } = await checkProblems(['.'], { cwd, config });
  return registries.flatMap(({ records }) => {
    const policy = readPolicy(records.find((record) => record.kind === 'integration'));
    return records.map((record) =>
      record.kind === 'active' || record.kind === 'intermittent'
        ? { record, triage: triage(record, policy, config.triage) }
        : { record },
    );
  });
}
