import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openHost } from '../../../src/app/open-host.ts';
import type { Precondition } from '../../../src/remediation/contract.ts';
import { findingId, openRemediation, plan, type Remediator } from '../../../src/app/remediation.ts';
import { type ListedEngine, openListedEngine } from '../listed-engine.ts';

const id = 'a'.repeat(64);
const nothing = z.null();
const notServing: Precondition = { check: 'not-serving', ref: id };

/** Stops and starts the instance; `expects` of the stop. */
function restarting(expects: readonly Precondition[]): Remediator<null, null> {
  return {
    name: 'restarting',
    description: 'Restarts.',
    details: nothing,
    expected: nothing,
    detect: () =>
      Promise.resolve({
        notLookedAt: [],
        findings: [
          {
            id: findingId('restarting', 'orders', 'wanted'),
            remediator: 'restarting',
            instance: 'orders',
            kind: 'wanted',
            summary: 'a restart is wanted',
            risk: 'restart',
            evidence: [],
            details: null,
            problem: null,
          },
        ],
      }),
    plan: (finding) =>
      Promise.resolve({
        type: 'plan',
        remediator: 'restarting',
        finding,
        target: { instance: 'orders', container: id, volumes: ['volume:engine/orders'] },
        summary: 'restart',
        steps: [
          { action: 'container.stop', params: { container: id, clean: false }, expects },
          { action: 'container.start', params: { container: id } },
        ],
        cleanup: [],
        leftovers: [],
        risk: 'restart',
        downtime: { seconds: 1, why: 'it restarts' },
        unpredictable: [],
        undo: 'nothing',
        expected: null,
      }),
    verify: () => Promise.resolve({ result: 'verified', checks: [] }),
  };
}

let folder = '';
let engine: ListedEngine | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-down-'));
});
afterEach(async () => {
  engine?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The automation of the restart for a container in this state whose server does not answer. */
async function automation(
  state: { readonly status: string; readonly restarts: number; readonly secondsAgo: number },
  expects: readonly Precondition[],
): Promise<string | undefined> {
  const StartedAt = new Date(Date.now() - state.secondsAgo * 1000).toISOString();
  const State = { Status: state.status, Running: state.status !== 'exited', StartedAt };
  engine = await openListedEngine(folder, {}, [
    { Id: id, Name: '/vrooli-postgres-orders', RestartCount: state.restarts, State },
  ]);
  const host = openHost({ roots: [folder] });
  const remediation = await openRemediation({ folder, host, remediators: [restarting(expects)] });
  const { proposals } = await plan(remediation);
  remediation.close();
  return proposals[0]?.decision?.automation;
}

describe('a server that does not answer', () => {
  it.for([
    ['exited', 0, 5, 'auto'],
    ['restarting', 3, 1, 'auto'],
    ['running', 3, 1, 'auto'],
    // Undecided, or up for a long time: needs approval.
    ['running', 0, 1, 'approve'],
    ['running', 3, 600, 'approve'],
  ] as const)(
    '%s, started %i times by the engine, %i s ago, is restarted with automation %s',
    async ([status, restarts, secondsAgo, who]) => {
      expect(await automation({ status, restarts, secondsAgo }, [notServing])).toBe(who);
    },
  );

  it('does not count as down for a plan that does not check again before the stop', async () => {
    expect(await automation({ status: 'running', restarts: 3, secondsAgo: 1 }, [])).toBe('approve');
  });

  it('needs no such check if nothing is running', async () => {
    expect(await automation({ status: 'exited', restarts: 0, secondsAgo: 5 }, [])).toBe('auto');
  });
});
