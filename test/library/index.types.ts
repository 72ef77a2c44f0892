/* What the compiler must be able to tell of `problem-registry`. Checked by `npm run types`; nothing here runs. */

import {
  type ActiveProblem,
  addBlankRecord,
  type Config,
  type Diagnostic,
  editRegistry,
  explainTask,
  findRecord,
  generateTasks,
  jsonSchema,
  type KindName,
  loadConfig,
  type ProblemRecord,
  type ProblemsError,
  readRegistry,
  type Registry,
  scan,
  scanProblems,
  type Task,
  validate,
  validateText,
  watchProblems,
} from 'problem-registry';
import { expectTypeOf } from 'vitest';

const cwd = '/project';
const config = await loadConfig(cwd);

// Records are a union discriminated by `kind`, with the terms of their declarations.
expectTypeOf<ProblemRecord['kind']>().toEqualTypeOf<KindName>();
expectTypeOf<Extract<ProblemRecord, { kind: 'active' }>>().toEqualTypeOf<ActiveProblem>();
expectTypeOf<NonNullable<ActiveProblem['severity']>>().toEqualTypeOf<'critical' | 'high' | 'medium' | 'low'>();
expectTypeOf<NonNullable<ActiveProblem['evidence']>['errorMessages']>().toEqualTypeOf<readonly string[] | undefined>();

// Text to records to tasks.
expectTypeOf(readRegistry).parameter(0).toBeString();
expectTypeOf(readRegistry('')).toEqualTypeOf<Registry>();
expectTypeOf(generateTasks([readRegistry('')]).tasks).toEqualTypeOf<readonly Task[]>();
expectTypeOf(scan(['.'])).toEqualTypeOf<AsyncGenerator<Registry, void>>();

// The use cases need a working folder and a config, and nothing else.
expectTypeOf(config).toEqualTypeOf<Config>();
const report = await scanProblems(['.'], { cwd, config });
expectTypeOf(report.tasks).toEqualTypeOf<readonly Task[]>();
expectTypeOf(report.all.diagnostics).toEqualTypeOf<readonly Diagnostic[]>();
// @ts-expect-error -- without a config
await scanProblems(['.'], { cwd });
// @ts-expect-error -- not a kind of task
await scanProblems(['.'], { cwd, config, filter: { taskKinds: ['repair'] } });
expectTypeOf((await validate([], { cwd, config, fix: true })).fixed[0]?.line).toEqualTypeOf<number | undefined>();
expectTypeOf((await validateText(new Uint8Array(), { cwd, config })).diagnostics).toEqualTypeOf<
  readonly Diagnostic[]
>();
expectTypeOf((await findRecord('postgres/disk-full', { cwd, config })).record).toEqualTypeOf<ProblemRecord>();
expectTypeOf((await explainTask('postgres/disk-full', { cwd, config })).explanation.rank).toBeNumber();
expectTypeOf(await editRegistry('PROBLEMS.md', cwd, (text) => text)).toBeBoolean();
// @ts-expect-error -- not a kind of record
await addBlankRecord('open', 'PROBLEMS.md', cwd);

// The `type` of a watch event distinguishes the events.
for await (const event of watchProblems(['.'], { cwd, loadConfig: () => loadConfig(cwd) })) {
  if (event.type === 'scan') expectTypeOf(event.report.registries).toEqualTypeOf<readonly Registry[]>();
  else expectTypeOf(event.error).toEqualTypeOf<ProblemsError>();
}

expectTypeOf(await jsonSchema('active')).toEqualTypeOf<Readonly<Record<string, unknown>>>();
expectTypeOf<ProblemsError['code']>().toExtend<string>();
