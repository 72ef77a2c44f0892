/**
 * What a swarm-manager does with the library alone: it scans the registries of a folder, ranks their tasks, detects the
 * problems of PostgreSQL instances, lets the policy decide which repairs run unattended, and writes the outcomes back.
 *
 * node examples/swarm-manager.ts <folder>
 */
import { resolve } from 'node:path';
import { loadConfig, ProblemsError, scanProblems } from 'problem-registry';
import { detect, openRemediation, recordReports, remediate } from 'problem-registry/remediation';

export interface ManageOptions {
  /** Absolute: the project with its registries and its problems.config.*. */
  readonly folder: string;
  readonly now: () => Date;
  /** Ends checks at once, and a run at its next safe point. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

export async function manage({ folder, now, signal, print }: ManageOptions): Promise<void> {
  // Whoever runs this program has chosen the folder, and trusts the plugins that its config names.
  const config = await loadConfig(folder, { trust: 'given' });
  const { registries, tasks, diagnostics } = await scanProblems(['.'], { cwd: folder, config, now, signal });
  print(`${registries.length} registries, ${tasks.length} tasks, ${diagnostics.length} diagnostics`);
  for (const { id, priority, handler, automation } of tasks.slice(0, 5))
    print(`${priority.score.toFixed(3)}  ${id}: ${handler}, ${automation}`);

  const remediation = await openRemediation({
    folder: config.folder,
    config: config.remediation,
    triage: config.triage,
    plugins: config.plugins,
    now,
  });
  try {
    // The registries bring their policy along: what they leave to people does not run.
    const request = { registries, signal };
    const { findings, notLookedAt } = await detect(remediation, request);
    for (const { id, summary, problem } of findings) print(`found ${id} (${problem ?? 'no record'}): ${summary}`);
    for (const { remediator, instance, reason } of notLookedAt)
      print(`not checked by ${remediator}: ${instance ?? 'all instances'}: ${reason}`);
    if (findings.length === 0) return;

    // What needs approval is left waiting: `problems approve <run>`, or `approve` of the library.
    const { runs, detected } = await remediate(remediation, request);
    for (const { id, outcome, finding, failure } of runs)
      print(`run ${id ?? '-'}: ${outcome} ${finding ?? ''}${failure === null ? '' : `: ${failure.message}`}`);

    // A registry that was edited in the meantime is not touched, and listed in `refused`.
    const { changed, refused } = await recordReports(
      remediation,
      runs,
      { request, detected },
      { cwd: folder, now: now() },
    );
    for (const path of changed) print(`recorded in ${path}`);
    for (const { path, reason } of refused) print(`not recorded in ${path}: ${reason}`);
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'engine-unreachable')) throw error;
    print(`instances were not checked: ${error.message}`);
  } finally {
    remediation.close();
  }
}

if (process.argv[1] === import.meta.filename) {
  const [folder = process.cwd()] = process.argv.slice(2);
  await manage({
    folder: resolve(folder),
    now: () => new Date(),
    signal: AbortSignal.timeout(600_000),
    print: (line) => console.log(line),
  });
}
