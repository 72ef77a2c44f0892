import { describe, expect, it } from 'vitest';
import { detect, plan, remediate, rollback } from '../../src/app/remediation.ts';
import { remediators } from '../../src/remediation/remediators/index.ts';
import { seededCredentials } from './images/recipe.ts';
import { openAlone, type Settings } from './remediators/open-remediator.ts';
import { stateFile } from './remediators/open-ports.ts';
import type { Run } from './run.ts';
import { scenarioNamed } from './scenarios/index.ts';
import { snapshotEngine } from './snapshot.ts';
import { createRun, labRuns } from './support.ts';
import { eventually } from './waiting.ts';

interface Case {
  readonly scenario: string;
  /** Every finding of the remediator, as `instance/kind`. */
  readonly findings: readonly string[];
  readonly settings?: (run: Run) => Settings;
}

/** One pass each: the remediators' own tests cover the variants. */
const cases: Readonly<Record<string, Case>> = {
  'backup-repair': { scenario: 'backup-corruption', findings: ['archive/bad-backup'] },
  'connection-pool': { scenario: 'pool-exhaustion', findings: ['main/leak'] },
  memory: {
    scenario: 'memory-oversized',
    findings: ['production/oom-killed'],
    // No load after the repair: it would take half a minute.
    settings: () => ({ loadSeconds: 0 }),
  },
  'migration-lock': {
    scenario: 'migration-race',
    findings: ['ledger/invalid-index'],
    settings: () => ({ roles: { ledger: seededCredentials.user } }),
  },
  'network-reconnect': {
    scenario: 'webgui-unreachable',
    findings: ['reports/no-common-network', 'sales/asks-itself'],
  },
  'port-reassignment': {
    scenario: 'port-conflict',
    findings: ['alpha/port-taken'],
    settings: ({ ports }) => ({ range: `${ports.instances.first}-${ports.instances.last}` }),
  },
  'volume-permissions': {
    scenario: 'volume-permissions',
    findings: ['mixed/wrong-owner', 'restored/wrong-owner'],
  },
};

it('names a scenario for every remediator that detects problems', () => {
  // Their own tests make the pass: a killed server is not a scenario, a stop of one of two servers is never undone, and limits are left to you.
  const others = remediators
    .map(({ name }) => name)
    .filter((name) => !['availability', 'server-limits', 'shared-data'].includes(name));
  expect(Object.keys(cases)).toEqual(others);
});

describe.skipIf(!(await labRuns()))('a remediator alone', { concurrent: true, timeout: 600_000 }, () => {
  it.for(remediators.filter(({ name }) => name in cases).map((remediator) => [remediator.name, remediator] as const))(
    '%s detects the problem, plans without a change, repairs it, detects nothing more, and rolls back',
    async ([name, remediator], test) => {
      const { scenario, findings, settings = () => ({}) } = cases[name] ?? { scenario: name, findings: [] };
      const run = await createRun(test);
      await scenarioNamed(scenario).up(run, () => undefined);
      // Outside the project, so that the snapshots do not see it.
      const state = await stateFile(test);
      const remediation = await openAlone(remediator)(run, settings(run), { state });
      test.onTestFinished(() => remediation.close());

      // A session that waits is a leak only after a while.
      await eventually(180_000, async () => (await detect(remediation)).findings.length === findings.length);
      const before = await snapshotEngine(run);
      const { detected, proposals } = await plan(remediation);
      expect(detected.findings.map(({ instance, kind }) => `${instance}/${kind}`)).toEqual(findings);
      expect(detected.notLookedAt).toEqual([]);
      expect(proposals.map(({ plan: made }) => (made.type === 'refusal' ? made.reason : made.type))).toEqual(
        findings.map(() => 'plan'),
      );
      expect(await snapshotEngine(run)).toEqual(before);

      const { runs } = await remediate(remediation, { yes: true });
      expect(runs.map(({ outcome, failure }) => [outcome, failure])).toEqual(findings.map(() => ['fixed', null]));
      expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [] });

      for (const { id } of runs.toReversed())
        expect(await rollback(remediation, id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    },
  );
});
