import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type PolicyQuestion } from '../../src/remediation/policy/policy.ts';
import { operations } from '../../src/remediation/operations.ts';
import { openRemediation } from '../../src/app/open-remediation.ts';

const plan = {
  type: 'plan',
  remediator: 'x',
  finding: {
    id: 'x/a/b',
    remediator: 'x',
    instance: 'a',
    kind: 'b',
    summary: '',
    risk: 'safe',
    evidence: [],
    details: null,
    problem: null,
  },
  target: { instance: 'a', container: '', volumes: ['v'] },
  summary: '',
  steps: [],
  cleanup: [],
  leftovers: [],
  risk: 'restart',
  downtime: { seconds: 1, why: '' },
  unpredictable: [],
  undo: '',
  expected: null,
} as const;

function ask(question: Partial<PolicyQuestion>): string {
  return decide({ plan, operations: [], running: true, allow: [], stops: [], ...question }).automation;
}

const all = Object.values(operations);
const names = all.map(({ name }) => name);
const damage = { cause: 'damage', reason: 'data may be damaged' } as const;
const never = all.filter(({ floor }) => floor === 'never');

describe('the policy', () => {
  it('uses the first source with a setting: command line, config, registry, risk', () => {
    const registry = { automation: 'human', reason: 'its Integration block says so' } as const;
    expect(ask({ commandLine: 'auto', config: 'approve', registry })).toBe('auto');
    expect(ask({ config: 'approve', registry })).toBe('approve');
    expect(ask({ registry })).toBe('human');
    expect(ask({})).toBe('approve');
  });

  it('asks for approval if the plan says why it needs it, unless the command line or the config decides', () => {
    const asking = { ...plan, risk: 'safe', approval: 'someone stopped it' } as const;
    expect(decide({ plan: asking, operations: [], running: false, allow: [], stops: [] })).toMatchObject({
      automation: 'approve',
      reasons: ['the plan interrupts nothing', 'the plan needs approval: someone stopped it'],
    });
    expect(ask({ plan: asking, config: 'auto' })).toBe('auto');
    expect(ask({ plan: asking, commandLine: 'auto' })).toBe('auto');
    expect(ask({ plan: asking, config: 'human' })).toBe('human');
  });

  it('allows an unattended restart of an instance that is already down', () => {
    expect(ask({ running: false, operations: [operations['restart-stopped']] })).toBe('auto');
  });

  it('requires approval for a running instance whatever the sources say, until the config names the operation', () => {
    expect(ask({ config: 'auto', operations: [operations['restart-running']] })).toBe('approve');
    expect(ask({ config: 'auto', operations: [operations['restart-running']], allow: ['restart-running'] })).toBe(
      'auto',
    );
    expect(
      ask({
        config: 'auto',
        operations: [operations['restart-running'], operations['edit-hba']],
        allow: ['restart-running'],
      }),
    ).toBe('approve');
  });

  it('never runs an operation with the floor `never`, whatever the config says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...never),
        fc.constantFrom('auto', 'approve', 'human'),
        fc.subarray(names),
        (operation, automation, allow) => {
          expect(ask({ commandLine: automation, operations: [operation], allow })).toBe('human');
        },
      ),
    );
  });

  it('refuses a config that allows an operation that never runs, or an unknown one', async () => {
    const open = async (name: string) =>
      openRemediation({ folder: import.meta.dirname, config: { allow: [name] }, onlyLooking: true });
    await expect(open('delete-data')).rejects.toThrow('delete-data never runs automatically');
    await expect(open('restart-runing')).rejects.toMatchObject({
      code: 'bad-config',
      hint: 'Did you mean restart-running?',
    });
  });

  it('stops automation on suspicion, and gives the reason', () => {
    const decision = decide({
      plan,
      operations: [],
      running: false,
      allow: [],
      commandLine: 'auto',
      stops: [damage],
    });
    expect(decision).toMatchObject({
      automation: 'human',
      reasons: expect.arrayContaining(['data may be damaged']),
      holds: [damage],
    });
  });

  it('needs no approval for a restart inside a maintenance window, but for all other operations as usual', () => {
    const window = '02:00 to 04:00 UTC';
    expect(ask({ window })).toBe('auto');
    expect(
      ask({
        window,
        operations: [
          operations['restart-running'],
          operations['recreate-running'],
          operations['shared-memory-setting'],
        ],
      }),
    ).toBe('auto');
    expect(ask({ window, operations: [operations['restart-running'], operations['edit-hba']] })).toBe('approve');
    expect(ask({ window, config: 'human', operations: [operations['restart-running']] })).toBe('human');
    expect(
      ask({ window, operations: [operations['restart-running']], stops: [{ cause: 'pause', reason: 'paused' }] }),
    ).toBe('human');
  });

  describe('with a registry that leaves damaged data to operators', () => {
    const registry = { automation: 'human', reason: 'Auto-Escalation names it.' } as const;
    const safe = { ...plan, risk: 'safe' } as const;
    const beside = [operations['quarantine-backup'], operations['new-backup']];

    it('requires approval for a plan that only quarantines bad backups and takes new ones', () => {
      const decision = decide({ plan: safe, running: true, allow: [], stops: [], registry, operations: beside });
      expect(decision).toMatchObject({ automation: 'approve', source: 'registry' });
      expect(decision.reasons[0]).toContain('Auto-Escalation names it.');
    });

    it('leaves everything else to operators', () => {
      for (const one of all.filter((other) => ![...beside, operations['read-only-diagnosis']].includes(other)))
        expect(ask({ plan: safe, registry, operations: [...beside, one] }), one.name).toBe('human');
      expect(ask({ plan: safe, registry, operations: [] })).toBe('human');
      expect(ask({ registry, operations: beside })).toBe('human');
      expect(ask({ plan: { ...plan, risk: 'data' }, registry, operations: beside })).toBe('human');
    });

    it('keeps `human` from the config, and from a suspension', () => {
      expect(ask({ plan: safe, config: 'human', registry, operations: beside })).toBe('human');
      expect(ask({ plan: safe, registry: { ...registry, byConfig: true }, operations: beside })).toBe('human');
      expect(ask({ plan: safe, registry, operations: beside, stops: [damage] })).toBe('human');
    });
  });
});
