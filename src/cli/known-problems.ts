import type { Config } from '../config.ts';
import type { KnownProblem } from '../remediation/index.ts';
import { findProblems } from './findings.ts';

/** The records of the working folder's registries, each with what triage says of it. Without a registry: none. */
export async function problemsOf(cwd: string, config: Config, now: () => Date): Promise<readonly KnownProblem[]> {
  const { registries, tasks } = await findProblems(['.'], { cwd, config, now });
  return registries.flatMap(({ records }) =>
    records.map((record) => {
      const task = tasks.find(({ problem }) => problem === record.id);
      return task === undefined ? { record } : { record, triage: task };
    }),
  );
}
