/* What the compiler must be able to tell of `problem-registry/testing`. Checked by `npm run types`; nothing runs. */

import type { Action, Host, Json, OpenHost, ReadonlyHost, Remediator } from 'problem-registry/remediation';
import {
  type ActionVerdict,
  actionVerdicts,
  checkAction,
  checkRemediator,
  createTestHost,
} from 'problem-registry/testing';
import { expectTypeOf } from 'vitest';
import { writeNote } from '../../examples/plugin/note.ts';
import { missingRestartPolicy } from '../../examples/plugin/remediator.ts';

const { reader, acting, open, world } = createTestHost({
  instances: [{ name: 'orders', sql: { 'select 1 as one': [{ one: '1' }], 'select 2': { message: 'denied' } } }],
  probes: { serverProcesses: async () => [] },
});
expectTypeOf(reader).toEqualTypeOf<ReadonlyHost>();
expectTypeOf(acting).toEqualTypeOf<Host>();
expectTypeOf(open).toEqualTypeOf<OpenHost>();
expectTypeOf(world).returns.toEqualTypeOf<Json>();

// Actions and remediators with their own types of parameters and details are accepted as they are.
expectTypeOf(writeNote).toExtend<Action>();
expectTypeOf(missingRestartPolicy).toExtend<Remediator>();
await checkAction(writeNote, { params: {}, host: acting, world });
expectTypeOf(await actionVerdicts(writeNote, { params: {}, host: acting, world })).toEqualTypeOf<
  readonly ActionVerdict[]
>();
await checkRemediator(missingRestartPolicy, { host: reader });
// @ts-expect-error -- a reader cannot change anything
await checkAction(writeNote, { params: {}, host: reader, world });
// @ts-expect-error -- there is no such promise
await checkAction(writeNote, { params: {}, host: acting, world, except: ['is quick'] });
