import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActiveProblem, ProblemRecord } from '../../src/registry/record.ts';
import { generateTasks, type RegistryInput } from '../../src/tasks/index.ts';
import { record as anyRecord } from '../priority/arbitrary.ts';
import { active, integration, intermittent, line, pattern, resolved, stating } from '../priority/records.ts';

function registry(...records: readonly ProblemRecord[]): RegistryInput {
  return {
    path: 'postgres/PROBLEMS.md',
    component: 'postgres',
    records: records.map((record, index) => ({ ...record, place: line(index + 1) })),
  };
}

function idsFrom(...records: readonly ProblemRecord[]): readonly string[] {
  return generateTasks([registry(...records)])
    .tasks.map(({ id }) => id)
    .toSorted();
}

const known = { investigationStatus: { rootCause: 'A lock is not taken' } };

describe('an Active record', () => {
  it('becomes a resolution task if its root cause is known', () => {
    expect(idsFrom(active({ title: 'Pool', ...known }))).toEqual(['resolution-postgres--pool']);
  });

  it.each([undefined, 'Unknown', 'Suspected: a lock'])(
    'becomes an investigation and then a resolution if it is %j',
    (rootCause) => {
      const status = rootCause === undefined ? {} : { investigationStatus: { rootCause } };
      const { tasks } = generateTasks([registry(active({ title: 'Pool', ...status }))]);
      expect(tasks.map(({ id, dependencies }) => [id, dependencies])).toEqual([
        ['investigation-postgres--pool', []],
        ['resolution-postgres--pool', ['investigation-postgres--pool']],
      ]);
    },
  );

  it.each(['resolved', "won't-fix"] as const)('becomes no task if it is %s', (status) => {
    expect(idsFrom(active({ title: 'Pool', status }))).toEqual([]);
  });

  it('becomes no task while part of it cannot be read', () => {
    expect(idsFrom({ ...active({ title: 'Pool' }), unreadable: ['status'] })).toEqual([]);
  });

  it('gets flags from its header', () => {
    const flags = (header: Parameters<typeof active>[0]): unknown =>
      generateTasks([registry(active(header))]).tasks[0]?.flags;
    expect(flags({ title: 'A', severity: 'critical', status: 'active', impact: 'system_down' })).toEqual([
      'immediate',
      'alert',
    ]);
    expect(flags({ title: 'A', severity: 'critical', status: 'blocked' })).toEqual([]);
    expect(flags({ title: 'A', severity: 'high', frequency: 'constant' })).toEqual(['escalate']);
  });

  it('gives the task all its values and its source location', () => {
    const record = active({
      title: 'Pool\u0007 \n of "clients"',
      severity: 'high',
      lastOccurrence: '2025-08-11T16:05',
      description: 'No slots are left.',
      reproductionSteps: ['Open 97 sessions', 'Open one more'],
      ...known,
      ...stating(9, 'high', 0.8, 'moderate'),
    });
    expect(generateTasks([registry(record)]).tasks).toMatchObject([
      {
        kind: 'resolution',
        title: 'Resolve Pool of "clients"',
        description:
          'Problem: No slots are left.\n\nReproduction: \n- Open 97 sessions\n- Open one more\n\nRoot cause: A lock is not taken',
        problem: record.id,
        component: 'postgres',
        target: 'postgres/PROBLEMS.md',
        severity: 'high',
        lastOccurrence: '2025-08-11T16:05',
        priority: { score: 10.368, band: 'high' },
      },
    ]);
  });
});

describe('records of other kinds', () => {
  it('become an investigation and a monitoring task if they are intermittent', () => {
    expect(idsFrom(intermittent({ title: 'Race' }))).toEqual([
      'investigation-postgres--race',
      'monitoring-postgres--race',
    ]);
  });

  it('become one task for each prevention measure with content if they are patterns', () => {
    const preventionMeasures = {
      designChanges: 'lease ports',
      processImprovements: 'one by one',
      monitoringEnhancements: 'None',
      trainingNeeds: 'Docker',
    };
    expect(idsFrom(pattern({ title: 'Conflicts', preventionMeasures }))).toEqual([
      'documentation-postgres--conflicts',
      'prevention-postgres--conflicts--design-changes',
      'prevention-postgres--conflicts--process-improvements',
    ]);
  });

  it('become documentation and monitoring tasks if they are resolved with gaps', () => {
    expect(
      idsFrom(
        resolved({ title: 'Memory', lessonsLearned: { knowledgeGaps: 'cost of a backend', detection: 'watch oom' } }),
      ),
    ).toEqual(['documentation-postgres--memory', 'monitoring-postgres--memory']);
    expect(idsFrom(resolved({ title: 'Memory', lessonsLearned: { knowledgeGaps: 'n/a' } }))).toEqual([]);
  });
});

describe('a measure or a lesson', () => {
  const idsWith = (text: string): readonly string[] =>
    idsFrom(
      resolved({ title: 'Memory', lessonsLearned: { knowledgeGaps: text, detection: text } }),
      pattern({
        title: 'Conflicts',
        preventionMeasures: {
          designChanges: text,
          processImprovements: text,
          monitoringEnhancements: text,
          trainingNeeds: text,
        },
      }),
    );

  it.each([
    'No runbook exists for failover',
    'Never alerted on lag; add an alert',
    'Never copy files of a running server',
    'No deployment without a restore drill',
    'No alert exists for a pool that fills',
    'Nothing tells us when a lock is held',
    'None of the alerts fire',
    'Off-site copies',
    'False alarms must end',
    'Disabled checks go on again',
    'not known who restores',
    'No monitoring',
    'No gaps without a name',
    `${'-'.repeat(120)} a rule, then words`,
  ])('makes its task even if it begins with a negation: %j', (text) => {
    expect(idsWith(text)).toHaveLength(6);
  });

  it.each([
    'None',
    'none.',
    '**None**',
    '`n/a`',
    'N.A.',
    '-',
    '—',
    'no',
    'Nothing',
    'never',
    'none known',
    'None so far.',
    'nothing to add',
    'not applicable',
    'Not needed',
    'No known gaps',
    'No changes needed',
    'No training needed',
  ])('makes no task if it only says that there is nothing to do: %j', (text) => {
    expect(idsWith(text)).toEqual([]);
  });
});

describe('the Task Generation lines', () => {
  const records = [
    active({ title: 'Pool', ...known }),
    intermittent({ title: 'Race' }),
    pattern({
      title: 'Conflicts',
      preventionMeasures: { designChanges: 'a', monitoringEnhancements: 'b', trainingNeeds: 'c' },
    }),
    resolved({ title: 'Memory', lessonsLearned: { knowledgeGaps: 'd', detection: 'e' } }),
  ];
  const all = idsFrom(...records);
  const kindsWith = (taskGeneration: Parameters<typeof integration>[0]['taskGeneration']): readonly string[] =>
    idsFrom(...records, integration(taskGeneration === undefined ? {} : { taskGeneration }));

  it('are optional: without them all tasks are made', () => {
    expect(all).toHaveLength(8);
    expect(kindsWith(undefined)).toEqual(all);
    expect(kindsWith({})).toEqual(all);
  });

  it.each([
    ['activeIssues', ['resolution-postgres--pool']],
    ['patternRecognition', ['investigation-postgres--race', 'prevention-postgres--conflicts--design-changes']],
    ['knowledgeGaps', ['documentation-postgres--conflicts', 'documentation-postgres--memory']],
    [
      'monitoringImprovements',
      ['monitoring-postgres--conflicts', 'monitoring-postgres--memory', 'monitoring-postgres--race'],
    ],
  ])('enable only their own tasks: %s', (name, ids) => {
    expect(kindsWith({ [name]: 'make them' })).toEqual(ids);
    expect(
      kindsWith({
        activeIssues: 'yes',
        patternRecognition: 'yes',
        knowledgeGaps: 'yes',
        monitoringImprovements: 'yes',
        [name]: 'None.',
      }),
    ).toEqual(all.filter((id) => !ids.includes(id)));
  });
});

describe('a Task Generation line', () => {
  const idsWith = (activeIssues: string): readonly string[] =>
    idsFrom(active({ title: 'Pool', ...known }), integration({ taskGeneration: { activeIssues } }));

  it.each([
    'No more than one task each',
    'Never more than five tasks',
    'No tasks without a person',
    'No delay for critical ones',
    'Nothing is left out',
    'None are skipped',
    'Off-hours tasks too',
    'None (except critical issues)',
    'Disabled records too',
  ])('enables its tasks although it begins with another negation: %j', (text) => {
    expect(idsWith(text)).toEqual(['resolution-postgres--pool']);
  });

  it.each([
    'None',
    'no',
    'No tasks',
    'no automatic tasks',
    'No tasks from active issues',
    'none for now',
    'never',
    'Never generate tasks',
    'Do not create tasks',
    'Off',
    'disabled',
    'None (we plan by hand).',
  ])('disables its tasks: %j', (text) => {
    expect(idsWith(text)).toEqual([]);
  });
});

describe('the dependencies of tasks', () => {
  const related = (title: string, relatedIssues: string, component = 'postgres'): ActiveProblem =>
    active({ title, component, investigationStatus: { rootCause: 'It is clear', relatedIssues } });
  const dependenciesOf = (id: string, ...registries: readonly RegistryInput[]): unknown =>
    generateTasks(registries).tasks.find((task) => task.id === id)?.dependencies;

  it.each([
    'Pool Exhaustion',
    'see `pool exhaustion`, and others',
    'postgres/pool-exhaustion',
    '[Pool exhaustion](#pool)',
  ])('follow from Related Issues, by title or id: %s', (text) => {
    const input = registry(related('Timeouts of Clients', text), active({ title: 'Pool Exhaustion', ...known }));
    expect(dependenciesOf('resolution-postgres--timeouts-of-clients', input)).toEqual([
      'resolution-postgres--pool-exhaustion',
    ]);
  });

  it.each([
    'Deadlocks',
    'Deadlocks.',
    'see above, `deadlocks`',
    'Old Memory; Deadlocks; others',
    'these:\n- Leaks\n- Deadlocks',
    '1. Deadlocks\n2. Leaks',
    '[Deadlocks](#deadlocks)',
    'Deadlocks and Leaks',
    'Pool Exhaustion and Deadlocks',
  ])('follow from a title of one word that is the whole of a part: %j', (text) => {
    const input = registry(
      related('Timeouts of Clients', text),
      active({ title: 'Deadlocks', ...known }),
      active({ title: 'Leaks', ...known }),
      active({ title: 'Pool Exhaustion', ...known }),
    );
    expect(dependenciesOf('resolution-postgres--timeouts-of-clients', input)).toContain(
      'resolution-postgres--deadlocks',
    );
  });

  it.each(['deadlocks of the runner', 'a deadlock', 'timeouts and deadlocks', 'Old Memory, no deadlocks'])(
    'do not follow from such a title in a sentence: %j',
    (text) => {
      const input = registry(related('Timeouts of Clients', text), active({ title: 'Deadlocks', ...known }));
      expect(dependenciesOf('resolution-postgres--timeouts-of-clients', input)).toEqual([]);
    },
  );

  it('can form a circle between titles of one word too', () => {
    const { tasks, diagnostics } = generateTasks([
      registry(related('Deadlocks', 'Timeouts'), { ...related('Timeouts', 'Deadlocks'), severity: 'critical' }),
    ]);
    expect(tasks.map(({ id, dependencies }) => [id, dependencies])).toEqual([
      ['resolution-postgres--timeouts', []],
      ['resolution-postgres--deadlocks', ['resolution-postgres--timeouts']],
    ]);
    expect(diagnostics).toMatchObject([{ code: 'dependency-cycle' }]);
  });

  it('include the investigation of an intermittent problem, but no resolved or closed problem', () => {
    const input = registry(
      related('Timeouts of Clients', 'Race Conditions, Old Memory, Lost Cause'),
      intermittent({ title: 'Race Conditions' }),
      resolved({ title: 'Old Memory' }),
      active({ title: 'Lost Cause', status: "won't-fix" }),
    );
    expect(dependenciesOf('resolution-postgres--timeouts-of-clients', input)).toEqual([
      'investigation-postgres--race-conditions',
    ]);
  });

  it('reach into other registries of the scan if the title is unambiguous', () => {
    const at = (component: string, ...records: readonly ProblemRecord[]): RegistryInput => ({
      ...registry(...records),
      path: `${component}/PROBLEMS.md`,
      component,
    });
    const one = at('n8n', related('Timeouts of Clients', 'Pool Exhaustion', 'n8n'));
    const two = at('postgres', active({ title: 'Pool Exhaustion', ...known }));
    const three = at('redis', active({ title: 'Pool Exhaustion', component: 'redis', ...known }));
    expect(dependenciesOf('resolution-n8n--timeouts-of-clients', one, two)).toEqual([
      'resolution-postgres--pool-exhaustion',
    ]);
    expect(dependenciesOf('resolution-n8n--timeouts-of-clients', one, two, three)).toEqual([]);
  });

  it('make documentation of a pattern wait for the resolution of the open problems of its class', () => {
    const input = registry(
      pattern({
        title: 'Port Conflicts Everywhere',
        preventionMeasures: { trainingNeeds: 'how ports are published', designChanges: 'lease' },
      }),
      active({ title: 'Port Collision', ...known }),
      active({ title: 'Memory Leak', ...known }),
    );
    expect(dependenciesOf('documentation-postgres--port-conflicts-everywhere', input)).toEqual([
      'resolution-postgres--port-collision',
    ]);
    expect(dependenciesOf('prevention-postgres--port-conflicts-everywhere--design-changes', input)).toEqual([]);
  });

  it('are cut and reported in a circle, where the task with the higher priority goes first', () => {
    const places = { 'investigationStatus.relatedIssues': line(77) };
    const input = registry(
      { ...related('First Problem', 'Second Problem'), places },
      { ...related('Second Problem', 'Third Problem'), severity: 'critical' },
      related('Third Problem', 'First Problem'),
      related('Fourth Problem', 'First Problem'),
    );
    const { tasks, diagnostics } = generateTasks([input]);
    expect(tasks.map(({ id, dependencies }) => [id, dependencies])).toEqual([
      ['resolution-postgres--second-problem', []],
      ['resolution-postgres--first-problem', ['resolution-postgres--second-problem']],
      ['resolution-postgres--fourth-problem', ['resolution-postgres--first-problem']],
      ['resolution-postgres--third-problem', ['resolution-postgres--first-problem']],
    ]);
    expect(diagnostics).toMatchObject([
      {
        code: 'dependency-cycle',
        place: line(77),
        message:
          'The Related Issues of postgres/second-problem, postgres/first-problem, postgres/third-problem form a cycle; the one with the higher priority comes first.',
      },
    ]);
  });
});

describe('tasks', () => {
  const registries = fc.uniqueArray(
    fc.tuple(fc.constantFrom('a', 'b/c', 'ä', 'x.y'), fc.array(anyRecord, { maxLength: 6 })),
    { selector: ([path]) => path, maxLength: 4 },
  );
  const inputs = registries.map((trees) =>
    trees.map(([path, records]) => ({
      path,
      component: path,
      records: records.map((record, index) => ({ ...record, path, component: path, place: line(index + 1) })),
    })),
  );

  it('have unique ids that are valid file names, and dependencies without circles', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { tasks } = generateTasks(input);
        const ids = tasks.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toMatch(/^[a-z0-9-]{1,100}$/);
        let left = tasks;
        for (let round = 0; round < tasks.length; round += 1) {
          left = left.filter(({ dependencies }) => dependencies.some((id) => left.some((other) => other.id === id)));
        }
        expect(left).toEqual([]);
        for (const { dependencies } of tasks) expect(ids).toEqual(expect.arrayContaining([...dependencies]));
      }),
    );
  });

  it('are the same bytes for any order of registries and records', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const turned = input.toReversed().map((one) => ({ ...one, records: one.records.toReversed() }));
        expect(JSON.stringify(generateTasks(turned))).toBe(JSON.stringify(generateTasks(input)));
      }),
    );
  });

  it('keep their ids if other tasks are added or removed', () => {
    const alone = idsFrom(active({ title: 'Pool', ...known }));
    expect(idsFrom(active({ title: 'Ports', ...known }), active({ title: 'Pool', ...known }))).toEqual(
      expect.arrayContaining([...alone]),
    );
  });

  it('are sorted by priority, after the cooldown for failed attempts', () => {
    const input = registry(
      active({ title: 'Ports', ...known, ...stating(8, 'high', 0.9, 'moderate') }),
      active({ title: 'Backup', ...known, ...stating(10, 'critical', 0.7, 'heavy') }),
    );
    const attempts = new Map([['resolution-postgres--ports', { failures: 1, hoursSinceFailure: 0 }]]);
    expect(
      generateTasks([input], { attempts }).tasks.map(({ problem, priority }) => [problem, priority.score]),
    ).toEqual([
      ['postgres/backup', 8.96],
      ['postgres/ports', 5.184],
    ]);
  });

  it('are made in time from two thousand records with one title that all refer to it repeatedly', () => {
    const [title, relatedIssues] = ['Pool Exhaustion', 'Pool Exhaustion, '.repeat(100)];
    const records = Array.from({ length: 2000 }, (_, index) =>
      active({ title, id: `postgres/${index}`, investigationStatus: { rootCause: 'clear', relatedIssues } }),
    );
    const { tasks, diagnostics } = generateTasks([registry(...records)]);
    expect([tasks.length, diagnostics]).toEqual([2000, []]);
  });

  it('are made in time from ten thousand records that all refer to one another', () => {
    const records = Array.from({ length: 10_000 }, (_, index) =>
      active({
        title: `Problem ${index}`,
        investigationStatus: {
          rootCause: 'clear',
          relatedIssues: `Problem ${(index + 1) % 10_000}, Problem ${(index * 7) % 10_000}`,
        },
      }),
    );
    const { tasks, diagnostics } = generateTasks([registry(...records)]);
    expect(tasks).toHaveLength(10_000);
    expect(diagnostics).toHaveLength(1);
  });
});
