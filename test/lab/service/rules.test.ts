import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approve,
  liftSuspension,
  openRemediation,
  planBackup,
  type Remediation,
  remediate,
  remediators,
  rollback,
  type RunReport,
  submit,
  type SubmitOptions,
  verifyBackup,
} from '../../../src/app/remediation.ts';
import { type Config, loadConfig } from '../../../src/config/config.ts';
import { startAlerts } from '../../../src/service/alerts/alerts.ts';
import { alertRules } from '../../../src/service/alerts/rules.ts';
import { alertSettings } from '../../../src/service/alerts/settings.ts';
import type { Service } from '../../../src/service/contract.ts';
import { createMetrics } from '../../../src/service/metrics/metrics.ts';
import { openService } from '../../../src/service/service.ts';
import type { ServiceView } from '../../../src/service/types.ts';
import { brokenFiles, fileNames } from '../../remediation/broken-files.ts';
import { hasMonitoring, serve } from '../../service/monitoring.ts';
import { soak } from '../../soak.ts';
import { type LabInstance, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import {
  damagePage,
  dropPlaces,
  failToStart,
  fillMemory,
  freeMemory,
  killAtLimit,
  limited,
  oldBackup,
  withChecksums,
} from './breakages.ts';
import { createMovedClock } from './moved-clock.ts';
import { evaluate, type Expected, type Scrape } from './scrapes.ts';

/** Between two scrapes. */
const minutes = 10;
/** The scrapes: two before anything is broken, then for more than an hour, and for more than an hour after the repair. */
const calm = 1;
const broken = calm + 8;
const repaired = broken + 8;

const names = ['orders', 'small', 'frozen', 'worn', 'taken-1', 'taken-2'] as const;

/** Whom each rule names, and at which scrape: right after it was broken, or after its time. */
const expected: readonly Expected[] = [
  { rule: 'InstanceDown', at: calm + 2, alerts: of('frozen', 'taken-1', 'taken-2') },
  { rule: 'DetectStale', at: broken, alerts: [{}] },
  { rule: 'BackupStale', at: calm + 2, alerts: of('orders') },
  { rule: 'BackupMissing', at: broken, alerts: of('small', 'frozen', 'worn', 'taken-1', 'taken-2') },
  { rule: 'DrillStale', at: calm + 2, alerts: of('orders') },
  { rule: 'DrillFailed', at: calm + 4, alerts: of('orders') },
  { rule: 'CreationFailureRate', at: calm + 2, alerts: [{}] },
  { rule: 'MemoryNearLimit', at: calm + 3, alerts: of('small') },
  { rule: 'OomKilled', at: calm + 2, alerts: of('small') },
  { rule: 'ChecksumFailures', at: calm + 2, alerts: of('worn') },
  { rule: 'RunStuck', at: calm + 2, alerts: [{ state: 'stuck' }] },
  { rule: 'ApprovalWaiting', at: broken, alerts: [{ state: 'awaiting_approval' }] },
  { rule: 'NotLookedAt', at: broken, alerts: of('frozen') },
  { rule: 'Suspended', at: broken, alerts: of('orders', 'worn') },
  { rule: 'DeliveryFailed', at: calm + 2, alerts: [{ channel: 'webhook' }] },
];

/** Each rule alone: test/service/alerts/decide.test.ts and prometheus-rules.test.ts. */
describe.skipIf(!(await labRuns()) || !soak)('what is broken and repaired in the lab', { timeout: 300_000 }, () => {
  const clock = createMovedClock();
  const heard = { firing: new Set<string>(), resolved: new Set<string>() };
  const scrapes: Scrape[] = [];
  const ends: (() => unknown)[] = [() => clock.stop()];
  let run: Run;
  let service: Service;
  let stuck = '';
  let awaiting = '';
  let webhookAnswers = 404;
  let isMeddling = false;
  let instances: Readonly<Record<'orders' | 'small' | 'frozen' | 'worn', LabInstance>>;

  beforeAll(async () => {
    // From 17 on an index is built with a search_path of its own, so that a dump of such an index restores.
    run = await openTestRun({ postgres: 15 });
    ends.push(() => closeTestRun(run));
    const webhook = await serve((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (webhookAnswers === 200) hear(Buffer.concat(parts).toString());
        response.writeHead(webhookAnswers).end();
      });
    });
    ends.push(() => webhook[Symbol.asyncDispose]());
    const config = await configOf(run);
    service = await openService({
      config,
      clock,
      file: join(run.folder, 'service.db'),
      open: async (_, only) => opened(config, only),
    });
    ends.push(() => service.stop());
    const channel = { to: 'webhook', url: 'env:HOOK', min: 'low' } as const;
    const outside = { now: () => clock.now(), timers: clock, env: { HOOK: webhook.url } };
    const alerts = startAlerts(service, alertSettings({ alerts: [channel] }), outside);
    ends.push(() => alerts.stop());
    const metrics = createMetrics(service);

    async function scrape(): Promise<void> {
      scrapes.push({ at: clock.now(), text: await metrics.render() });
    }

    /** The next look, alerts and scrape. */
    async function pass(until: number): Promise<void> {
      while (scrapes.length <= until) {
        const before = service.view().lastLookAt;
        clock.jump(minutes * 60_000);
        await eventually(30_000, async () => service.view().lastLookAt !== before);
        await scrape();
      }
    }

    await eventually(30_000, async () => typeof service.view().lastRound?.endedAt === 'string');
    await scrape();
    await create();
    await pass(calm);
    await breakAll();
    await pass(calm + 2);
    webhookAnswers = 200;
    await pass(calm + 3);
    await drill('orders');
    await round(['orders']);
    await pass(broken);
    await repairAll();
    await pass(repaired - 1);
    await round();
    await pass(repaired);
  }, 280_000);
  afterAll(async () => {
    for (const end of ends.toReversed()) await end();
  });

  it.each(expected)('fires $rule, and resolves it', ({ rule }) => {
    expect([...heard.firing]).toContain(rule);
    expect([...heard.resolved]).toContain(rule);
    const own = service.history.alerts.list(1_000).filter(({ instance }) => instance === null || isOwn(instance));
    expect(own.filter(({ name, state }) => name === rule && state !== 'resolved')).toEqual([]);
  });

  it.runIf(hasMonitoring)('makes each rule of Prometheus fire on what /metrics says, and resolves it', async () => {
    expect(expected.map(({ rule }) => rule)).toEqual(alertRules.map(({ name }) => name));
    const none = [0, repaired].flatMap((at) => alertRules.map(({ name }) => ({ rule: name, at, alerts: [] })));
    const { code, output } = await evaluate(scrapes.map(ofRun), minutes, [...expected, ...none]);
    expect(output).toContain('SUCCESS');
    expect(code).toBe(0);
  });

  function hear(body: string): void {
    const { alerts } = JSON.parse(body) as {
      alerts: { status: 'firing' | 'resolved'; labels: { alertname: string } }[];
    };
    for (const { status, labels } of alerts) heard[status].add(labels.alertname);
  }

  /** Files that someone else changes in the middle of a repair leave it stuck. */
  async function opened(config: Config, only?: readonly string[]): Promise<Remediation> {
    return openRemediation({
      folder: run.folder,
      config: config.remediation,
      remediators: [...remediators, brokenFiles],
      now: () => clock.now(),
      async atPoint(name) {
        if (!isMeddling || name !== 'step 1 is recorded') return;
        await writeFile(join(run.folder, 'a.conf'), 'answer = theirs\n');
        await writeFile(join(run.folder, 'c.conf'), 'answer = theirs\n');
      },
      ...(only === undefined ? {} : { instances: only }),
    });
  }

  async function within<Result>(work: (remediation: Remediation) => Promise<Result>): Promise<Result> {
    return service.withRemediation('local', work);
  }

  async function seen(isSo: (view: ServiceView) => boolean): Promise<void> {
    await eventually(60_000, async () => isSo(service.view()));
  }

  async function round(instances?: readonly string[]): Promise<void> {
    const { id } = service.requestRound(instances === undefined ? {} : { instances });
    await seen(({ lastRound }) => lastRound?.id === id);
  }

  async function drill(instance: string): Promise<void> {
    const { backups = [] } = service.view().backups.find((one) => one.instance === instance) ?? {};
    const newest = backups.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt)).at(-1);
    await within((remediation) => verifyBackup(remediation, { backup: newest?.ref ?? '', upTo: 'L5' }));
  }

  async function takeBackup(instance: string, options: SubmitOptions): Promise<RunReport> {
    return within(async (remediation) => {
      const work = await planBackup({ instance, backup: 'taken', drill: false }, remediation.session.reader);
      return submit(remediation, work, options);
    });
  }

  async function create(): Promise<void> {
    const [orders, small, frozen, worn] = await Promise.all([
      startInstance(run, { name: 'orders', storage: 'seeded' }),
      startInstance(run, { name: 'small', ...limited }),
      startInstance(run, { name: 'frozen', storage: 'seeded' }),
      startInstance(run, { name: 'worn', ...withChecksums }),
    ]);
    instances = { orders, small, frozen, worn };
    await seen((view) => view.instances.filter(({ instance }) => isOwn(instance)).length === 4);
  }

  async function breakAll(): Promise<void> {
    const { orders, small, frozen, worn } = instances;
    await Promise.all(['taken-1', 'taken-2'].map((name) => failToStart(name, orders)));
    await oldBackup(orders);
    await damagePage(worn);
    await killAtLimit(small);
    await seen((view) => view.instances.some(({ oomKills }) => oomKills > 0));
    await fillMemory(small);
    const asked = await takeBackup('small', { automation: 'approve' });
    expect(asked).toMatchObject({ outcome: 'awaiting-approval' });
    awaiting = asked.id ?? '';
    await frozen.container.pause();
    for (const name of fileNames) await writeFile(join(run.folder, name), 'answer = wrong\n');
    isMeddling = true;
    const { runs } = await within((remediation) => remediate(remediation, { remediators: ['broken-files'] }));
    isMeddling = false;
    expect(runs).toMatchObject([{ outcome: 'stuck' }]);
    stuck = runs[0]?.id ?? '';
    await seen((view) => view.instances.some(({ instance, status }) => instance === 'frozen' && status === 'down'));
    await round();
  }

  /** What was only made to be broken is removed. */
  async function repairAll(): Promise<void> {
    const { orders, small, frozen } = instances;
    await frozen.container.unpause();
    await seen((view) => view.instances.some(({ instance, status }) => instance === 'frozen' && status === 'up'));
    for (const name of names.slice(2)) {
      await run.docker.getContainer(`${run.prefix}vrooli-postgres-${name}`).remove({ force: true });
      await within(({ session }) => session.seenInstances.forget(name, session.at()));
    }
    await dropPlaces(orders);
    await freeMemory(small);
    // As the stuck run left it, so that it can be undone.
    await writeFile(join(run.folder, 'a.conf'), 'answer = right\n');
    await within((remediation) => rollback(remediation, stuck));
    for (const name of fileNames) await writeFile(join(run.folder, name), 'answer = right\n');
    await within((remediation) => liftSuspension(remediation, 'orders'));
    expect(await within((remediation) => approve(remediation, awaiting, 'anna'))).toMatchObject({ outcome: 'fixed' });
    expect(await takeBackup('orders', { yes: true })).toMatchObject({ outcome: 'fixed' });
    await round();
    await drill('orders');
    await drill('small');
  }
});

/** The lab may run others, whose names the service knows too. */
function isOwn(instance: string): boolean {
  return names.some((name) => name === instance);
}

function ofRun({ at, text }: Scrape): Scrape {
  const lines = text.split('\n').filter((line) => isOwn(/pg_instance="([^"]*)"/.exec(line)?.[1] ?? names[0]));
  return { at, text: lines.join('\n') };
}

function of(...instances: readonly (typeof names)[number][]): Expected['alerts'] {
  return instances.map((pg_instance) => ({ pg_instance }));
}

async function configOf({ folder, prefix }: Run): Promise<Config> {
  const remediation = { containers: `^${prefix}vrooli-postgres-(.+)$`, state: '.problems/state.db' };
  // One look for each scrape. Drills are on, and not due now.
  const backups = { verify: 'off', drill: '0 4 29 2 *', archive: 'off' };
  const service = { look: `${60 * minutes}s`, rounds: '12h', backups };
  await writeFile(join(folder, 'problems.config.json'), JSON.stringify({ remediation, service }));
  return loadConfig(folder, { trust: 'given' });
}
