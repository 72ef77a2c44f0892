import { describe, expect, it } from 'vitest';
import { missingRestartPolicy } from '../../examples/plugin/remediator.ts';
import { writeNote } from '../../examples/plugin/note.ts';
import type { Remediator } from '../../src/app/remediation.ts';
import { checkRemediator, createTestHost } from '../../src/testing/index.ts';

type Changes = Partial<typeof missingRestartPolicy>;

async function faultsOf(changes: Changes): Promise<string> {
  const { reader } = createTestHost({
    instances: [{ name: 'orders', container: { restartPolicy: { name: 'no', maximumRetryCount: 0 } } }],
    files: { '/project/instances/orders/config/instance.conf': '' },
  });
  const remediator: Remediator = { ...missingRestartPolicy, ...changes };
  return checkRemediator(remediator, { host: reader, actions: [writeNote] }).then(
    () => 'none',
    (error: unknown) => String(error),
  );
}

/** The sound remediator with findings that are changed. */
function finding(changes: object): Changes {
  return {
    async detect(host) {
      const { findings, notLookedAt } = await missingRestartPolicy.detect(host);
      return { findings: findings.map((one) => ({ ...one, ...changes })), notLookedAt };
    },
  };
}

/** The sound remediator with a plan that is changed. */
function plan(changes: object): Changes {
  return {
    async plan(found, host) {
      const made = await missingRestartPolicy.plan(found, host);
      return made.type === 'refusal' ? made : { ...made, ...changes };
    },
  };
}

describe('checkRemediator', () => {
  it('accepts a remediator that keeps its contract', async () => {
    expect(await faultsOf({})).toBe('none');
  });

  it.each([
    ['an id of another form', finding({ id: 'orders' }), 'must begin with missing-restart-policy/orders/no-policy'],
    [
      'a kind that is not kebab-case',
      finding({ kind: 'No Policy' }),
      'finding missing-restart-policy/orders/no-policy: kind: ',
    ],
    [
      'details that do not fit',
      finding({ details: {} }),
      '`details` of missing-restart-policy/orders/no-policy: container: ',
    ],
    ['a record named by the remediator', finding({ problem: 'postgres/x' }), 'names a record'],
    ['a plan without steps', plan({ steps: [] }), 'the plan of missing-restart-policy/orders/no-policy: steps: '],
    [
      'an unknown action',
      plan({ steps: [{ action: 'a.b', params: null }] }),
      'names the action a.b, which does not exist',
    ],
    [
      'expectations that do not fit',
      plan({ expected: {} }),
      '`expected` of the plan of missing-restart-policy/orders/no-policy: ',
    ],
    [
      'a step without undo',
      plan({ steps: [{ action: 'backup.remove', params: { ref: 'orders/20260101_000000' } }] }),
      'backup.remove has no `undo`',
    ],
    [
      'parameters that do not fit',
      plan({ steps: [{ action: 'note.write', params: { path: 1 } }] }),
      '`params` of step 0 of the plan of missing-restart-policy/orders/no-policy: path: ',
    ],
  ])('names %s', async (_, changes, fault) => {
    expect(await faultsOf(changes)).toContain(fault);
  });

  it('reports a detection that differs between two calls', async () => {
    let times = 0;
    const unstable = await faultsOf({
      async detect(host) {
        times += 1;
        const { findings, notLookedAt } = await missingRestartPolicy.detect(host);
        return { findings: findings.map((one) => ({ ...one, summary: `Detected ${times} times.` })), notLookedAt };
      },
    });
    expect(unstable).toContain('`detect` returns something else the second time');
  });
});
