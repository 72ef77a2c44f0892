import { describe, expect, it } from 'vitest';
import type { PrioritisedKind } from '../../src/priority/index.ts';
import { defaultClassifier, readPolicy, triage, type TriageSettings } from '../../src/tasks/index.ts';
import { active, integration, intermittent, pattern, resolved } from '../priority/records.ts';

const policy = policyOf({
  autoResolution: 'Automatic port assignment, volume permission fixing',
  autoEscalation: 'Human intervention for data corruption or complex backup issues',
});

function policyOf(automationOpportunities: { autoResolution?: string; autoEscalation?: string }) {
  return readPolicy(integration({ automationOpportunities }));
}

describe('the class of a problem', () => {
  it.each<[PrioritisedKind, string, string]>([
    [active({ title: 'Port Allocation Conflicts' }), 'resource-conflict', 'port-reassignment'],
    [active({ title: 'Database Connection Pool Exhaustion' }), 'performance', 'connection-pool'],
    [active({ title: 'Instance Data Corruption During Backup' }), 'data-integrity', 'backup-repair'],
    [active({ title: 'Server Runs Out of Memory' }), 'performance', 'memory'],
    [intermittent({ title: 'Docker Volume Permission Issues' }), 'permissions', 'volume-permissions'],
    [intermittent({ title: 'Schema Migration Race Conditions' }), 'migration', 'migration-lock'],
    [active({ title: 'Client Loses the Network' }), 'network', 'network-reconnect'],
    [active({ title: 'Wrong Settings' }), 'configuration', 'agent'],
    [active({ title: 'Queries Are Slow' }), 'performance', 'agent'],
    [active({ title: 'Strange Smell' }), 'other', 'agent'],
    [pattern({ title: 'Multi-Instance Resource Conflicts' }), 'resource-conflict', 'agent'],
    [pattern({ title: 'Data Integrity and Backup Pattern' }), 'data-integrity', 'agent'],
    [resolved({ title: 'pgweb GUI Connection Timeouts' }), 'network', 'agent'],
  ])('follows from the title, and so does its handler', (record, kind, handler) => {
    expect(triage(record, policyOf({}))).toMatchObject({ class: kind, handler });
  });

  it('follows from tags, then the header, then the description if the title does not decide', () => {
    const description = 'It comes after a migration.';
    expect(triage(active({ title: 'X', tags: ['dns'], description }), policy)).toMatchObject({
      class: 'network',
      classReason: 'Its tags speak of network connections.',
    });
    expect(triage(pattern({ title: 'X', category: 'performance' }), policy).class).toBe('performance');
    expect(triage(active({ title: 'X', description }), policy).class).toBe('migration');
  });

  it('selects no remediator for a component other than PostgreSQL', () => {
    const record = active({ title: 'Memory Leak', component: 'browserless' });
    expect(triage(record, policy)).toMatchObject({ class: 'performance', handler: 'agent' });
    expect(triage({ ...record, title: 'Memory Leak in PostgreSQL' }, policy).handler).toBe('memory');
  });

  it('is found for every phrase of a rule on its own', () => {
    for (const rule of defaultClassifier.rules) {
      for (const phrase of rule.phrases)
        expect([phrase, triage(active({ title: phrase }), policy).class]).toEqual([phrase, rule.class]);
    }
  });
});

describe('the automation of a problem', () => {
  it.each<[PrioritisedKind, string, RegExp]>([
    [active({ title: 'Port Allocation Conflicts' }), 'auto', /"Automatic port assignment"/],
    [intermittent({ title: 'Docker Volume Permission Issues' }), 'auto', /"volume permission fixing"/],
    [active({ title: 'Instance Data Corruption During Backup' }), 'human', /"Human intervention for data corruption"/],
    [active({ title: 'Backup Too Old' }), 'human', /"complex backup issues"/],
    [active({ title: 'Database Connection Pool Exhaustion' }), 'approve', /Neither/],
    [intermittent({ title: 'Schema Migration Race Conditions' }), 'approve', /Neither/],
  ])('follows from the policy of its registry', (record, automation, reason) => {
    expect(triage(record, policy)).toMatchObject({ automation, automationReason: expect.stringMatching(reason) });
  });

  it('requires approval without a policy', () => {
    expect(triage(active({ title: 'Port Conflicts' }), readPolicy(undefined)).automation).toBe('approve');
  });

  it.each(['None', 'No automatic port assignment', 'off', '-'])(
    'requires approval if the policy says %j',
    (autoResolution) => {
      expect(triage(active({ title: 'Port Conflicts' }), policyOf({ autoResolution })).automation).toBe('approve');
    },
  );

  it.each([
    ['user permissions', active({ title: 'User Permissions Are Missing' })],
    ['ports of a machine', active({ title: 'Serial Port Is Dead' })],
    ['a mention in passing', active({ title: 'Slow Start', description: 'Slower than automatic port assignment.' })],
  ])('is not granted by a coincidental match: %s', (_, record) =>
    expect(triage(record, policy).automation).toBe('approve'),
  );

  it('follows the registry if a migration only mentions possible damage to data', () => {
    const record = intermittent({
      title: 'Schema Migration Race Conditions',
      problemPattern: { triggers: 'two runners; without a backup there may be data corruption' },
    });
    expect(triage(record, policy).automation).toBe('approve');
  });

  const ports = active({ title: 'Container Does Not Start: Port Conflicts' });
  const backups = active({ title: 'Backup Corruption', description: 'No backup can be restored.' });

  it.each([
    'Never port conflicts',
    'No automatic port assignment',
    'Do not fix port conflicts automatically',
    'Don’t fix port conflicts',
    'Nothing about ports',
    'Not port conflicts',
    'Port conflicts must not be fixed',
    'Port conflicts and volume permissions are never to be touched',
    'Port conflicts, volume permissions: never',
    'Port conflicts: off',
    'Never fix:\n- port conflicts\n- volume permissions',
    'Not the following, port conflicts',
    'No data corruption, port conflicts',
    'Port conflicts. Not on weekends.',
    'Port conflicts, not without a backup',
    'Port conflicts and volume permissions after approval',
    'Port conflicts, but only with a person watching',
    'Manual port reassignment',
    'Port conflicts need a person',
    'All but port conflicts',
    'Port conflicts (planned)',
    'Nothing except port conflicts',
    'Port conflicts, except automatically',
    '~~Port conflicts~~, volume permissions',
    '<!-- port conflicts --> volume permissions',
    `Port conflicts, ${'volume permissions, '.repeat(200)} but no ports`,
  ])('requires approval if the resolution line does not clearly allow it: %j', (autoResolution) => {
    expect(triage(ports, policyOf({ autoResolution })).automation).toBe('approve');
  });

  it.each([
    'port conflicts, never data corruption',
    'port conflicts (not data corruption)',
    'port conflicts, but no migrations. Never data corruption and backups.',
    'Do not repair backups. Port conflicts',
  ])('is still granted if the line excludes another problem by name: %j', (autoResolution) => {
    const line = policyOf({ autoResolution });
    expect([ports, backups].map((record) => triage(record, line).automation)).toEqual(['auto', 'approve']);
  });

  it('names the word for which the line grants nothing', () => {
    const careful = policyOf({ autoResolution: 'port conflicts after approval' });
    expect(triage(ports, careful).automationReason).toBe(
      'Auto-Resolution of the registry says "after", so it allows nothing unattended.',
    );
  });

  it('is not granted by a term of the header alone', () => {
    const line = policyOf({ autoResolution: 'active issues' });
    expect(triage(active({ title: 'Strange Smell', status: 'active' }), line).automation).toBe('approve');
  });

  it.each([
    'Never repair backup corruption without a person',
    'No unattended work on backup corruption',
    'Nothing may touch backup corruption but a person',
    'No one but the DBA fixes backup corruption',
    'None of the cases of backup corruption',
    'Backup corruption must always go to somebody',
    'Everything',
    'All problems',
    'data corruption, and any other',
    'Always',
    'Yes',
    'Human intervention',
    'No automatic repair',
    '✅',
    `${'port conflicts, '.repeat(200)}backup corruption`,
  ])('escalates for any wording of the escalation line: %j', (autoEscalation) => {
    const both = policyOf({ autoResolution: 'backup corruption', autoEscalation });
    expect(triage(backups, both).automation).toBe('human');
  });

  it('escalates if the words of the escalation line match and no topic does', () => {
    const smells = policyOf({ autoEscalation: 'No unattended work on smells, they must always go to a person' });
    expect(triage(active({ title: 'Strange Smells' }), smells).automation).toBe('human');
    expect(triage(active({ title: 'Strange Noise' }), smells).automation).toBe('approve');
  });

  it.each(['', 'None', 'none.', 'N/A', '-', '—', 'Never', 'none needed', 'No escalation', 'nothing so far'])(
    'does not escalate if the escalation line only says none: %j',
    (autoEscalation) => {
      const both = policyOf({ autoResolution: 'backup corruption', autoEscalation });
      expect(triage(backups, both).automation).toBe('auto');
    },
  );

  it('escalates if resolution and escalation both name the problem', () => {
    const both = policyOf({ autoResolution: 'port conflicts', autoEscalation: 'port conflicts' });
    expect(triage(active({ title: 'Port Conflicts' }), both).automation).toBe('human');
  });

  it('escalates by a term of the header', () => {
    const critical = policyOf({ autoResolution: 'port conflicts', autoEscalation: 'all critical issues' });
    expect(triage(active({ title: 'Port Conflicts', severity: 'critical' }), critical).automation).toBe('human');
    expect(triage(active({ title: 'Port Conflicts', severity: 'high' }), critical).automation).toBe('auto');
  });

  it('requires approval if the resolution line excludes the problem', () => {
    const excepting = policyOf({ autoResolution: 'port conflicts, volume permission fixing, except client ports' });
    expect(triage(active({ title: 'Port Conflicts of Client Instances' }), excepting).automation).toBe('approve');
    expect(triage(active({ title: 'Volume Permissions' }), excepting).automation).toBe('auto');
  });

  it('ignores the policy for patterns and resolved records, even if their titles match', () => {
    expect(triage(pattern({ title: 'Data Integrity and Backup Pattern' }), policy).automation).toBe('approve');
    expect(triage(resolved({ title: 'Port Conflicts' }), policy).automation).toBe('approve');
  });

  it('follows the config, by problem before class, instead of the registry', () => {
    const settings: TriageSettings = {
      problems: { 'postgres/port-conflicts': 'human' },
      classes: { 'resource-conflict': 'approve', 'data-integrity': 'auto' },
    };
    const decide = (title: string): string => triage(active({ title }), policy, settings).automation;
    expect(['Port Conflicts', 'Port Collision', 'Data Corruption'].map(decide)).toEqual(['human', 'approve', 'auto']);
  });

  it('assigns an escalated problem without a remediator to an operator', () => {
    const strict = policyOf({ autoEscalation: 'smells' });
    expect(triage(active({ title: 'Strange Smells' }), strict)).toMatchObject({
      automation: 'human',
      handler: 'person',
    });
  });
});
