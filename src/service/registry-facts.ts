import { type KnownProblem, knownProblems } from '../app/remediation.ts';
import { scanProblems } from '../app/scan.ts';
import type { Config } from '../config/config.ts';
import { compareText } from '../util/compare.ts';
import type { ServiceView, TrackedFinding } from './types.ts';

/** What the registries of the project say, for findings, policy and metrics. */
export interface RegistryFacts {
  readonly problems: readonly KnownProblem[];
  readonly registry: ServiceView['registry'];
  /** The class of the problem that a finding is about; without a record, the name of its remediator. */
  readonly classOf: (finding: TrackedFinding) => string;
}

export const noRegistries: RegistryFacts = {
  problems: [],
  registry: { problems: [], tasks: [] },
  classOf: ({ finding }) => finding.remediator,
};

/** @throws ProblemsError what `scanProblems` throws, and `bad-config` for a plugin that cannot be loaded. */
export async function readRegistries(config: Config, signal: AbortSignal, now: () => Date): Promise<RegistryFacts> {
  const { registries, records, tasks } = await scanProblems(['.'], { cwd: config.folder, config, signal, now });
  const problems = await knownProblems(registries, config);
  const classes = new Map(problems.map(({ record, triage }) => [record.id, triage?.class]));
  return {
    problems,
    registry: {
      problems: counted(
        records.flatMap((record) =>
          'severity' in record && 'status' in record
            ? [{ component: record.component, severity: record.severity, status: record.status }]
            : [],
        ),
      ),
      tasks: counted(tasks.map(({ kind, priority: { band } }) => ({ kind, band }))),
    },
    classOf: ({ finding: { problem, remediator } }) =>
      (problem === null ? undefined : classes.get(problem)) ?? remediator,
  };
}

/** Equal rows once, with how many there are. Sorted. */
function counted<Row extends Readonly<Record<string, string>>>(
  rows: readonly Row[],
): (Row & { readonly count: number })[] {
  const groups = Map.groupBy(rows, (row) => JSON.stringify(Object.values(row)));
  return [...groups]
    .toSorted(([a], [b]) => compareText(a, b))
    .flatMap(([, [first, ...others]]) => (first === undefined ? [] : [{ ...first, count: others.length + 1 }]));
}
