import { describe, expect, it } from 'vitest';
import { readRegistry } from '../../../src/registry/parse/read.ts';
import { recordFor } from '../../../src/remediation/engine/record-for.ts';
import { assignmentBy } from '../../../src/remediation/engine/session.ts';
import { brokenFiles } from '../broken-files.ts';
import type { Finding } from '../../../src/app/remediation.ts';

const session = {
  remediatorFor: assignmentBy([brokenFiles]),
};

describe('the record that a finding belongs to', () => {
  it.for([
    ['orders', 'The instance orders holds wrong files.', true],
    ['orders', 'Orders: wrong.', true],
    ['orders', 'First line\norders on the second', true],
    ['orders', 'its container vrooli-postgres-orders', true],
    ['orders', '`instances/orders/config`', true],
    ['orders', 'orders-archive holds wrong files', false],
    ['orders', 'pre-orders holds wrong files', false],
    ['orders', 'vrooli-postgres-orders-archive', false],
    ['orders', 'my-vrooli-postgres-orders', false],
    ['orders', 'orders_2', false],
    ['orders', 'reorders, ordersé', false],
    ['orders', 'orders-archive, and orders itself', true],
    ['orders', 'orders-archive and pre-orders', false],
    ['orders-archive', 'orders-archive holds wrong files', true],
    ['orders-archive', 'orders holds wrong files', false],
    // Names of fields that occur in every record, but not in its text.
    ['postgres', 'holds wrong files', false],
    ['description', 'holds wrong files', false],
  ] as const)('of the instance %s names it in %j: %s', ([instance, said, isNamed]) => {
    const problems = records('Wrong files', 'anywhere').concat(records('Wrong files, too', said));
    // If no record names the instance, the first one is used.
    expect(recordFor('broken-files', findingOn(instance), problems, session)?.record.title).toBe(
      isNamed ? 'Wrong files, too' : 'Wrong files',
    );
  });
});

function records(title: string, description: string) {
  const text = `<!-- EMBED:ACTIVEPROBLEM:START -->
### ${title}
**Status:** [active]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [system_down]
**Discovered:** [2025-06-03]

#### Description
${description}
<!-- EMBED:ACTIVEPROBLEM:END -->
`;
  const read = readRegistry(text, { path: 'resources/postgres/PROBLEMS.md', component: 'postgres' });
  expect(read.records).toHaveLength(1);
  return read.records.map((record) => ({ record }));
}

function findingOn(instance: string): Finding {
  return {
    id: `broken-files/${instance}/wrong-text`,
    remediator: 'broken-files',
    instance,
    kind: 'wrong-text',
    summary: 'files say wrong',
    risk: 'safe',
    evidence: [],
    details: null,
    problem: null,
  };
}
