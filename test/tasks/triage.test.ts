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
  ])('and its handler follow from the title', (record, kind, handler) => {
    expect(triage(record, policyOf({}))).toMatchObject({ class: kind, handler });
  });

  it('follows from tags, then the header, then the description where the title says nothing', () => {
    const description = 'It comes after a migration.';
    expect(triage(active({ title: 'X', tags: ['dns'], description }), policy)).toMatchObject({
      class: 'network',
      classReason: 'Its tags speak of network connections.',
    });
    expect(triage(pattern({ title: 'X', category: 'performance' }), policy).class).toBe('performance');
    expect(triage(active({ title: 'X', description }), policy).class).toBe('migration');
  });

  it('takes no remediator for a component that is no PostgreSQL', () => {
    const record = active({ title: 'Memory Leak', component: 'browserless' });
    expect(triage(record, policy)).toMatchObject({ class: 'performance', handler: 'agent' });
    expect(triage({ ...record, title: 'Memory Leak in PostgreSQL' }, policy).handler).toBe('memory');
  });

  it('has rules whose every phrase leads to its own rule when it stands alone', () => {
    for (const rule of defaultClassifier.rules) {
      for (const phrase of rule.phrases)
        expect([phrase, triage(active({ title: phrase }), policy).class]).toEqual([phrase, rule.class]);
    }
  });
});

describe('how far a problem may go unattended', () => {
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

  it('is asked about without a policy', () => {
    expect(triage(active({ title: 'Port Conflicts' }), readPolicy(undefined)).automation).toBe('approve');
  });

  it.each(['None', 'No automatic port assignment', 'off', '-'])(
    'is asked about where the policy says %j',
    (autoResolution) => {
      expect(triage(active({ title: 'Port Conflicts' }), policyOf({ autoResolution })).automation).toBe('approve');
    },
  );

  it.each([
    ['user permissions', active({ title: 'User Permissions Are Missing' })],
    ['ports of a machine', active({ title: 'Serial Port Is Dead' })],
    ['a mention in passing', active({ title: 'Slow Start', description: 'Slower than automatic port assignment.' })],
  ])('is not widened by chance to %s', (_, record) => expect(triage(record, policy).automation).toBe('approve'));

  it('stays with the registry where a migration only mentions what might become of the data', () => {
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
  ])('is asked about where the resolution line does not clearly allow it: %j', (autoResolution) => {
    expect(triage(ports, policyOf({ autoResolution })).automation).toBe('approve');
  });

  it.each([
    'port conflicts, never data corruption',
    'port conflicts (not data corruption)',
    'port conflicts, but no migrations. Never data corruption and backups.',
    'Do not repair backups. Port conflicts',
  ])('is no less allowed because the line excepts something else by name: %j', (autoResolution) => {
    const line = policyOf({ autoResolution });
    expect([ports, backups].map((record) => triage(record, line).automation)).toEqual(['auto', 'approve']);
  });

  it('says for which word the line allows nothing', () => {
    const careful = policyOf({ autoResolution: 'port conflicts after approval' });
    expect(triage(ports, careful).automationReason).toBe(
      'Auto-Resolution of the registry says "after", so it allows nothing unattended.',
    );
  });

  it('is not allowed by a term of the header alone', () => {
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
  ])('is for a person however the escalation line is worded: %j', (autoEscalation) => {
    const both = policyOf({ autoResolution: 'backup corruption', autoEscalation });
    expect(triage(backups, both).automation).toBe('human');
  });

  it('is for a person by the words of an escalation line about what no topic knows', () => {
    const smells = policyOf({ autoEscalation: 'No unattended work on smells, they must always go to a person' });
    expect(triage(active({ title: 'Strange Smells' }), smells).automation).toBe('human');
    expect(triage(active({ title: 'Strange Noise' }), smells).automation).toBe('approve');
  });

  it.each(['', 'None', 'none.', 'N/A', '-', '—', 'Never', 'none needed', 'No escalation', 'nothing so far'])(
    'is for nobody in particular where the escalation line says no more than none: %j',
    (autoEscalation) => {
      const both = policyOf({ autoResolution: 'backup corruption', autoEscalation });
      expect(triage(backups, both).automation).toBe('auto');
    },
  );

  it('is for a person where resolution and escalation both name it', () => {
    const both = policyOf({ autoResolution: 'port conflicts', autoEscalation: 'port conflicts' });
    expect(triage(active({ title: 'Port Conflicts' }), both).automation).toBe('human');
  });

  it('is for a person by a term of the header', () => {
    const critical = policyOf({ autoResolution: 'port conflicts', autoEscalation: 'all critical issues' });
    expect(triage(active({ title: 'Port Conflicts', severity: 'critical' }), critical).automation).toBe('human');
    expect(triage(active({ title: 'Port Conflicts', severity: 'high' }), critical).automation).toBe('auto');
  });

  it('is asked about where the resolution line excepts it', () => {
    const excepting = policyOf({ autoResolution: 'port conflicts, volume permission fixing, except client ports' });
    expect(triage(active({ title: 'Port Conflicts of Client Instances' }), excepting).automation).toBe('approve');
    expect(triage(active({ title: 'Volume Permissions' }), excepting).automation).toBe('auto');
  });

  it('is no matter of policy for a pattern or what is solved, though their titles fit', () => {
    expect(triage(pattern({ title: 'Data Integrity and Backup Pattern' }), policy).automation).toBe('approve');
    expect(triage(resolved({ title: 'Port Conflicts' }), policy).automation).toBe('approve');
  });

  it('is what the config says, by problem before class, in place of the registry', () => {
    const settings: TriageSettings = {
      problems: { 'postgres/port-conflicts': 'human' },
      classes: { 'resource-conflict': 'approve', 'data-integrity': 'auto' },
    };
    const decide = (title: string): string => triage(active({ title }), policy, settings).automation;
    expect(['Port Conflicts', 'Port Collision', 'Data Corruption'].map(decide)).toEqual(['human', 'approve', 'auto']);
  });

  it('hands what a person must do and no remediator can to a person', () => {
    const strict = policyOf({ autoEscalation: 'smells' });
    expect(triage(active({ title: 'Strange Smells' }), strict)).toMatchObject({
      automation: 'human',
      handler: 'person',
    });
  });
});
