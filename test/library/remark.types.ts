/* What the compiler must be able to tell of `problem-registry/remark`. Checked by `npm run types`; nothing here runs. */

import plugin, { remarkProblems } from 'problem-registry/remark';
import { remark } from 'remark';
import { expectTypeOf } from 'vitest';

expectTypeOf(plugin).toEqualTypeOf(remarkProblems);
remark().use(plugin).use(remarkProblems, { component: 'postgres' });
// @ts-expect-error -- the component is a name
remark().use(plugin, { component: 1 });
