/* What the compiler must be able to tell of `problem-registry/remediation`. Checked by `npm run types`; nothing runs. */

import { checkPaths, loadConfig } from 'problem-registry';
import {
  detect,
  type Detected,
  findSuspension,
  type Finding,
  knownProblems,
  type KnownProblem,
  liftSuspension,
  openRemediation,
  type RecordedResults,
  recordFindings,
  recordReports,
  remediate,
  type Remediation,
  type RunReport,
  type Suspension,
} from 'problem-registry/remediation';
import { expectTypeOf } from 'vitest';

const cwd = '/project';
const config = await loadConfig(cwd);
const { registries } = await checkPaths(['.'], { cwd, config });

// Registries become problems, which a call links its findings to.
const problems = await knownProblems(registries, config);
expectTypeOf(problems).toEqualTypeOf<readonly KnownProblem[]>();
const remediation = await openRemediation({ folder: config.folder, config: config.remediation });
expectTypeOf(remediation).toEqualTypeOf<Remediation>();

// What is detected and what is run can be written back.
const detected = await detect(remediation, { ids: ['postgres/disk-full'], problems });
expectTypeOf(detected).toEqualTypeOf<Detected>();
expectTypeOf(detected.findings).toEqualTypeOf<readonly Finding[]>();
const recorded = await recordFindings(remediation, { request: {}, detected }, { cwd, now: new Date() });
expectTypeOf(recorded).toEqualTypeOf<RecordedResults>();
const { runs, detected: round } = await remediate(remediation, { yes: true });
expectTypeOf(runs).toEqualTypeOf<readonly RunReport[]>();
expectTypeOf(
  await recordReports(remediation, runs, { request: {}, detected: round }, { cwd, now: new Date() }),
).toEqualTypeOf<RecordedResults>();
// @ts-expect-error -- time is a parameter
await recordReports(remediation, runs, { request: {}, detected: round }, { cwd });

expectTypeOf(await findSuspension(remediation, 'orders')).toEqualTypeOf<Suspension | undefined>();
expectTypeOf(await liftSuspension(remediation, 'orders')).toEqualTypeOf<Suspension | undefined>();
