import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openRemediation, remediate, type Remediator, runs } from '../../src/app/remediation.ts';
import { openSwarm } from '../../src/app/swarm.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Service } from '../../src/service/contract.ts';
import { openService, type ServiceOptions } from '../../src/service/service.ts';
import type { JobName, JobView, RoundView } from '../../src/service/types.ts';
import { registry, task } from '../app/repairs.ts';
import { answers, brokenFiles, brokenFolder, removeFolder } from '../remediation/broken-files.ts';
import { createTestClock, type TestClock } from './test-clock.ts';

const hour = 3_600_000;

/** What the service does after a round: the real engine, journal, registry and queue; only the broken things are files. */
describe('after a round', () => {
  let folder: string;
  let clock: TestClock;
  let services: Service[];
  let rounds: RoundView[];
  let warnings: string[];

  beforeEach(async () => {
    folder = await brokenFolder();
    await writeFile(join(folder, 'PROBLEMS.md'), registry);
    clock = createTestClock('2026-01-01T00:00:00Z');
    services = [];
    rounds = [];
    warnings = [];
  });
  afterEach(async () => {
    await Promise.all(services.map(async (service) => service.stop()));
    await removeFolder(folder);
  });

  interface Stated {
    readonly service?: object;
    readonly remediation?: object;
    readonly remediator?: Remediator<{ folder: string }, { folder: string }>;
    readonly readOnly?: boolean;
  }

  /** A service whose first round has ended, with what follows from it. */
  async function started({
    service: section = { remediate: 'auto-only', record: true },
    remediation = {},
    remediator = brokenFiles,
    readOnly = false,
  }: Stated): Promise<Service> {
    const cooldown = { baseHours: 2, maximumHours: 8 };
    const text = {
      components: { 'PROBLEMS.md': 'postgres' },
      priority: { cooldown },
      service: section,
      remediation,
    };
    await writeFile(join(folder, 'problems.config.json'), JSON.stringify(text));
    const config = await loadConfig(folder, { trust: 'given' });
    const open: ServiceOptions['open'] = async () =>
      openRemediation({ folder, config: config.remediation, remediators: [remediator], now: () => clock.now() });
    const service = await openService({
      config,
      clock,
      file: join(folder, 'service.db'),
      open,
      readOnly,
      onWarning: (warning) => warnings.push(warning),
    });
    services.push(service);
    service.subscribe((event) => {
      if (event.type === 'round' && event.round.endedAt !== null) rounds.push(event.round);
    });
    await settled(service, 1);
    return service;
  }

  /** Waits for so many rounds and for all jobs that follow from them. */
  async function settled(service: Service, count: number): Promise<void> {
    await vi.waitFor(() => expect(rounds.length).toBeGreaterThanOrEqual(count), { timeout: 10_000 });
    // A job that follows begins in the turn after the one before it has ended.
    let calm = 0;
    while (calm < 5) {
      await new Promise(setImmediate);
      const busy = service.view().runningRound !== null || service.view().jobs.some(isRunning);
      calm = busy ? 0 : calm + 1;
      if (busy) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  function isRunning({ lastStartedAt, lastEndedAt, schedule }: JobView): boolean {
    return schedule !== 'off' && lastStartedAt !== null && (lastEndedAt === null || lastEndedAt < lastStartedAt);
  }

  function jobOf(service: Service, name: JobName) {
    return service.view().jobs.find((one) => one.name === name);
  }

  async function journal(service: Service) {
    return service.withRemediation('local', async (remediation) => runs(remediation));
  }

  async function text(): Promise<string> {
    return readFile(join(folder, 'PROBLEMS.md'), 'utf8');
  }

  it('repairs what may run unattended, looks again, and writes both into the registry and the queue', async () => {
    const service = await started({ remediation: { automation: { 'broken-files': 'auto' } } });
    await settled(service, 2);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    expect(await journal(service)).toMatchObject([{ phase: 'ended', outcome: 'fixed', approvedBy: null }]);
    expect(rounds.map(({ findings }) => findings)).toEqual([1, 0]);
    expect(service.view().findings).toMatchObject([{ goneAt: expect.any(String) }]);
    expect(jobOf(service, 'remediate')).toMatchObject({ lastFailure: null, lastEndedAt: expect.any(String) });
    expect(jobOf(service, 'record')).toMatchObject({ lastFailure: null, lastEndedAt: expect.any(String) });
    expect(await text()).toMatch(/\*\*Status:\*\* \[resolved\][\s\S]*\*\*Last Occurrence:\*\* 2026-01-01/);
    const queue = await openSwarm({ cwd: folder, config: await loadConfig(folder, { trust: 'given' }) });
    expect((await queue.tasks()).filter(({ status }) => status.state === 'open')).toEqual([]);
    queue.close();
    expect(warnings).toEqual([]);
  });

  it.each(['approve', 'human'])('makes no run of what the policy leaves to people: %s', async (automation) => {
    const service = await started({ remediation: { automation: { 'broken-files': automation } } });
    expect(await journal(service)).toEqual([]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    // It was found, and that is recorded; the problem stays active, and its task is in the queue.
    expect(await text()).toMatch(/\*\*Status:\*\* \[active\][\s\S]*\*\*Last Occurrence:\*\* 2026-01-01/);
    const queue = await openSwarm({ cwd: folder, config: await loadConfig(folder, { trust: 'given' }) });
    expect((await queue.tasks()).map(({ id }) => id)).toContain(task);
    queue.close();
    expect(jobOf(service, 'remediate')?.lastFailure).toBeNull();
  });

  it('leaves a run that waits for an approval as it is, in every round', async () => {
    const service = await started({ remediation: { automation: { 'broken-files': 'approve' } } });
    await service.withRemediation('local', async (remediation) => remediate(remediation));
    await clock.pass(600_000);
    await settled(service, 3);
    expect(await journal(service)).toMatchObject([{ phase: 'awaiting-approval', approvedBy: null, startedAt: null }]);
    expect(service.view().openRuns).toHaveLength(1);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('rolls back a repair that does not help, and tries it again after the cooldown, not before', async () => {
    const useless = {
      ...brokenFiles,
      verify: async () => ({ result: 'not-verified', checks: [{ name: 'a.conf', ok: false, seen: 'wrong' }] }) as const,
    };
    const service = await started({
      remediation: { automation: { 'broken-files': 'auto' } },
      remediator: useless,
      service: { remediate: 'auto-only', record: true, rounds: '1h', look: '1h' },
    });
    await settled(service, 2);
    expect(await journal(service)).toMatchObject([{ phase: 'ended', outcome: 'rolled-back' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    expect(await text()).toMatch(/\*\*Status:\*\* \[active\]/);
    const before = rounds.length;
    await clock.pass(hour);
    await settled(service, before + 1);
    expect(await journal(service)).toHaveLength(1);
    await clock.pass(hour);
    await settled(service, before + 2);
    await vi.waitFor(async () => expect(await journal(service)).toHaveLength(2), { timeout: 10_000 });
  });

  it.each([
    ['paused', { remediation: { automation: { 'broken-files': 'auto' }, pause: 'a holiday' } }],
    ['read-only', { remediation: { automation: { 'broken-files': 'auto' } }, readOnly: true }],
    ['told to look only', { remediation: { automation: { 'broken-files': 'auto' } }, service: {} }],
  ])('repairs nothing while it is %s', async (_, stated: Stated) => {
    const service = await started(stated);
    expect(await journal(service)).toEqual([]);
    expect(service.view().findings).toMatchObject([{ goneAt: null }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('writes nothing into the registry unless the config says so', async () => {
    const service = await started({
      service: { remediate: 'auto-only' },
      remediation: { automation: { 'broken-files': 'auto' } },
    });
    await settled(service, 2);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    expect(await text()).toBe(registry);
    expect(jobOf(service, 'record')).toMatchObject({ schedule: 'off', lastStartedAt: null });
  });

  it('says in the view of the job why a registry was not written', async () => {
    const edited = {
      ...brokenFiles,
      // Someone removes the record while the round runs.
      async detect(...[host]: Parameters<typeof brokenFiles.detect>) {
        await writeFile(join(folder, 'PROBLEMS.md'), '# Problems\n');
        return brokenFiles.detect(host);
      },
    };
    const service = await started({
      remediation: { automation: { 'broken-files': 'human' } },
      remediator: edited,
    });
    expect(jobOf(service, 'record')?.lastFailure).toMatch(/^local: PROBLEMS\.md was not written: /);
    expect(await text()).toBe('# Problems\n');
  });
});
