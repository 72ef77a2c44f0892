import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { nodeTimers, startAlerts } from '../../../src/service/alerts/alerts.ts';
import { alertKeys } from '../../../src/config/alerts.ts';
import { payloadFor } from '../../../src/service/alerts/payloads.ts';
import { send } from '../../../src/service/alerts/send.ts';
import { alertSettings } from '../../../src/service/alerts/settings.ts';
import { createMetrics } from '../../../src/service/metrics/metrics.ts';
import { hasMonitoring, serve, start, until } from '../monitoring.ts';
import { type SampleService, sampleService } from '../sample-service.ts';
import { minutesAgo, sampleAlert, sampleBackups, sampleInstance, sampleNow, sampleView } from '../sample-view.ts';
import { testClock } from './clock.ts';

const settingsShape = z.strictObject(alertKeys);

const calm = sampleView({
  instances: [sampleInstance()],
  findings: [],
  openRuns: [],
  backups: [sampleBackups()],
  alerts: [],
  deliveries: [],
});
const down = {
  ...calm,
  instances: [sampleInstance({ status: 'down', reason: 'It exited with code 137.', since: minutesAgo(1) })],
};

/** Waits until a check passes, on a busy machine too. */
async function eventually(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: 20_000 });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

const receivedShape = z.looseObject({
  status: z.string(),
  alerts: z.array(z.looseObject({ labels: z.record(z.string(), z.string()), status: z.string() })),
});

/** A webhook that notes what it gets. `answer` decides the status of each answer. */
async function webhook(answer: (count: number) => number = () => 200) {
  const bodies: string[] = [];
  const server = await serve((request, response) => {
    void bodyOf(request).then((body) => {
      bodies.push(body);
      response.writeHead(answer(bodies.length), { location: 'http://127.0.0.1:1/' }).end('secret answer');
    });
  });
  return {
    url: `${server.url}/hook/s3cr3t`,
    bodies,
    /** As `firing: InstanceDown`. */
    told: () =>
      bodies.map((body) => {
        const { status, alerts } = receivedShape.parse(JSON.parse(body));
        return `${status}: ${alerts.map(({ labels }) => labels['alertname']).join(', ')}`;
      }),
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}

function running(service: SampleService, url: string) {
  const clock = testClock(sampleNow);
  const settings = alertSettings({ alerts: [{ to: 'webhook', url: 'env:HOOK', min: 'critical' }] });
  const alerts = startAlerts(service, settings, { ...clock, env: { HOOK: url } });
  return { clock, alerts };
}

/** What was delivered, newest first. */
function deliveries(service: SampleService) {
  return service.history.deliveries.list(10).map(({ attempts, failure }) => ({ attempts, failure }));
}

describe('a webhook', () => {
  it('hears of an alert once, of its end, and of nothing again after a restart', async () => {
    await using hook = await webhook();
    const service = await sampleService(calm);
    const first = running(service, hook.url);
    first.clock.advance(60_000);
    service.show(down);
    first.clock.advance(5_000);
    await eventually(() => expect(hook.told()).toEqual(['firing: InstanceDown']));
    await eventually(() => expect(deliveries(service)).toHaveLength(1));
    first.clock.advance(600_000);
    await first.alerts.stop();
    service.restart();

    const second = running(service, hook.url);
    second.clock.advance(600_000);
    expect(hook.told()).toHaveLength(1);
    service.show(calm);
    second.clock.advance(5_000);
    await eventually(() => expect(hook.told()).toEqual(['firing: InstanceDown', 'resolved: InstanceDown']));
    await second.alerts.stop();
  });

  it('is reminded after four hours', async () => {
    await using hook = await webhook();
    const service = await sampleService(down);
    const { clock, alerts } = running(service, hook.url);
    clock.advance(5_000);
    await eventually(() => expect(deliveries(service)).toHaveLength(1));
    clock.skip(3.9 * 3_600_000);
    expect(deliveries(service)).toHaveLength(1);
    clock.skip(0.2 * 3_600_000);
    await eventually(() => expect(hook.told()).toHaveLength(2));
    await alerts.stop();
  });

  it('is tried three times, then rests, and hears of it later', async () => {
    await using hook = await webhook((count) => (count <= 3 ? 503 : 200));
    const service = await sampleService(down);
    const metrics = createMetrics(service);
    const { clock, alerts } = running(service, hook.url);
    clock.advance(1_000);
    await eventually(() => expect(hook.bodies).toHaveLength(1));
    for (const tries of [2, 3])
      await eventually(() => {
        clock.advance(5_000);
        expect(hook.bodies.length).toBeGreaterThanOrEqual(tries);
      });
    await eventually(() => expect(deliveries(service)).toEqual([{ attempts: 3, failure: 'the server answered 503' }]));
    expect(await metrics.render()).toContain('problems_alerts_failed_total{channel="webhook"} 1');
    clock.advance(60_000);
    expect(hook.bodies).toHaveLength(3);
    clock.advance(5 * 60_000);
    // The failure is an alert too.
    await eventually(() => expect(hook.told().slice(3).join()).toContain('InstanceDown'));
    expect(service.history.alerts.list(10).map(({ name }) => name)).toContain('DeliveryFailed');
    await alerts.stop();
  });

  it('does not hold up the service, and is given up when the service stops', async () => {
    const server = await serve(() => undefined);
    const service = await sampleService(down);
    const { clock, alerts } = running(service, server.url);
    clock.advance(1_000);
    service.show(calm);
    clock.advance(3_000);
    expect(service.history.alerts.list(1)).toMatchObject([{ name: 'InstanceDown', state: 'resolved' }]);
    await alerts.stop();
    expect(deliveries(service)).toEqual([]);
    await server[Symbol.asyncDispose]();
  });
});

describe('timers of Node', () => {
  it('run once, or not at all if they were ended', async () => {
    const run = vi.fn<(which: string) => void>();
    nodeTimers.after(1, () => run('first'));
    nodeTimers.after(1, () => run('ended'))();
    await eventually(() => expect(run.mock.calls).toEqual([['first']]));
  });
});

describe('sending', () => {
  const outside = (env: Readonly<Record<string, string>>) => ({
    env,
    wait: async () => undefined,
    signal: new AbortController().signal,
  });
  const channel = { to: 'webhook', url: 'env:HOOK' } as const;

  it.each([
    [302, { attempts: 1, failure: 'the server redirects' }],
    [404, { attempts: 1, failure: 'the server answered 404' }],
    [429, { attempts: 3, failure: 'the server answered 429' }],
  ])('judges the answer %i', async (status, result) => {
    await using hook = await webhook(() => status);
    expect(await send(channel, {}, outside({ HOOK: hook.url }))).toEqual(result);
  });

  it.each([
    ['', 'the variable HOOK is not set'],
    ['s3cr3t', 'the address is not a URL'],
    ['file:///etc/s3cr3t', 'the address is neither http:// nor https://'],
    ['http://user:s3cr3t@127.0.0.1/', 'the address contains a user or a password'],
  ])('refuses the address %j without naming it', async (url, failure) => {
    expect(await send(channel, {}, outside({ HOOK: url }))).toEqual({ attempts: 0, failure });
  });

  it('says why a connection failed, and never the address', async () => {
    const server = await serve(() => undefined);
    await server[Symbol.asyncDispose]();
    const { failure } = await send(channel, {}, outside({ HOOK: `${server.url}/s3cr3t` }));
    expect(failure).toBe('the connection failed (ECONNREFUSED)');
    expect((await send(channel, {}, outside({ HOOK: 'https://127.0.0.1:1/s3cr3t' }))).failure).not.toContain('s3cr3t');
  });

  it('reads the address from a file', async () => {
    await using hook = await webhook();
    const folder = mkdtempSync(join(tmpdir(), 'problems-hook-'));
    writeFileSync(join(folder, 'url'), `${hook.url}\n`);
    const from = (path: string) => send({ to: 'webhook', url: `file:${path}` }, { a: 1 }, outside({}));
    expect(await from(join(folder, 'url'))).toEqual({ attempts: 1, failure: null });
    expect(hook.bodies).toEqual(['{"a":1}']);
    expect((await from(join(folder, 'absent'))).failure).toBe('the file with the address cannot be read (ENOENT)');
    expect((await from(folder)).failure).toMatch(/^the file with the address is /);
    rmSync(folder, { recursive: true });
  });
});

describe('a payload', () => {
  const notification = {
    engine: 'local',
    instance: 'billing',
    alerts: [
      sampleAlert(),
      sampleAlert({
        fingerprint: 'b',
        name: 'ProblemFound',
        finding: 'memory/billing/oom-killed',
        state: 'resolved',
        endsAt: minutesAgo(1),
        summary: '<!channel> & more',
      }),
    ],
  };

  it("has the form of Alertmanager's webhooks, version 4", () => {
    expect(payloadFor({ to: 'webhook', name: 'hook' }, notification, sampleNow)).toEqual({
      version: '4',
      groupKey: '{}:{engine="local", pg_instance="billing"}',
      truncatedAlerts: 0,
      status: 'firing',
      receiver: 'hook',
      groupLabels: { engine: 'local', pg_instance: 'billing' },
      commonLabels: { severity: 'critical', engine: 'local', pg_instance: 'billing' },
      commonAnnotations: {},
      externalURL: '',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'InstanceDown', severity: 'critical', engine: 'local', pg_instance: 'billing' },
          annotations: { summary: 'billing does not answer: its container exited with code 137.' },
          startsAt: '2026-11-30T11:20:00.000Z',
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: '',
          fingerprint: '5c0de5c0de5c0de5',
        },
        {
          status: 'resolved',
          labels: {
            alertname: 'ProblemFound',
            severity: 'critical',
            engine: 'local',
            pg_instance: 'billing',
            finding: 'memory/billing/oom-killed',
          },
          annotations: { summary: '<!channel> & more' },
          startsAt: '2026-11-30T11:20:00.000Z',
          endsAt: '2026-11-30T11:59:00.000Z',
          generatorURL: '',
          fingerprint: 'b',
        },
      ],
    });
  });

  it('is bounded and says how many alerts it leaves out', () => {
    const alerts = Array.from({ length: 130 }, (_, index) => sampleAlert({ fingerprint: `${index}` }));
    const payload = payloadFor({ to: 'webhook', name: 'hook' }, { ...notification, alerts }, sampleNow);
    expect(payload).toMatchObject({ truncatedAlerts: 30, alerts: { length: 100 } });
  });

  it('calls nobody in Slack', () => {
    expect(payloadFor({ to: 'slack', name: 'slack' }, notification, sampleNow)).toEqual({
      text: [
        'billing: 1 firing',
        '• critical: billing does not answer: its container exited with code 137.',
        '• resolved: &lt;!channel&gt; &amp; more',
      ].join('\n'),
      mrkdwn: false,
    });
  });
});

describe('the settings', () => {
  it('name each channel', () => {
    const { channels } = alertSettings({
      alerts: [
        { to: 'webhook', url: 'env:A' },
        { to: 'webhook', url: 'env:B', min: 'low' },
        { to: 'slack', url: 'file:/run/slack', name: 'on-call' },
      ],
    });
    expect(channels.map(({ name, min }) => `${name} ${min}`)).toEqual([
      'webhook medium',
      'webhook-2 low',
      'on-call medium',
    ]);
  });

  it.each([
    { to: 'webhook', url: 'https://hooks.example/s3cr3t' },
    { to: 'slack', url: 'file:relative' },
    { to: 'alertmanager', url: 'http://user:password@127.0.0.1:9093' },
    { to: 'alertmanager', url: 'ftp://127.0.0.1' },
    { to: 'webhook', url: 'env:A', name: 'Bad Name' },
  ])('refuse $to with $url', (channel) => {
    expect(settingsShape.safeParse({ alerts: [channel] }).success).toBe(false);
  });
});

describe.runIf(hasMonitoring)('Alertmanager', () => {
  it('takes an alert, passes it on, and hears of its end', async () => {
    await using hook = await webhook();
    await using alertmanager = await start('prometheus-alertmanager', '/-/ready', (folder, address) => {
      const config = join(folder, 'alertmanager.yml');
      writeFileSync(
        config,
        JSON.stringify({
          route: { receiver: 'hook', group_wait: '100ms', group_interval: '1s', group_by: ['pg_instance'] },
          receivers: [{ name: 'hook', webhook_configs: [{ url: hook.url, send_resolved: true }] }],
        }),
      );
      return [
        `--config.file=${config}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--cluster.listen-address=',
      ];
    });
    // Alertmanager ignores an end that is in the future, and the clock of the test runs ahead of it.
    const at = new Date(Date.now() - 60_000);
    const view = (changes: object) => ({ ...calm, startedAt: at.toISOString(), ...changes });
    const since = new Date(at.getTime() - 60_000).toISOString();
    const service = await sampleService(view({ instances: [sampleInstance({ status: 'down', since })] }));
    const clock = testClock(at.toISOString());
    // Backups of the sample are old by the real clock.
    const settings = alertSettings({ alerts: [{ to: 'alertmanager', url: `${alertmanager.url}/`, min: 'critical' }] });
    const alerts = startAlerts(service, settings, clock);
    clock.advance(1_000);
    await until(() => hook.told().includes('firing: InstanceDown'));
    await until(() => deliveries(service).length === 1);
    service.show(view({}));
    clock.advance(3_000);
    await until(() => deliveries(service).length === 2);
    await until(() => hook.told().includes('resolved: InstanceDown'));
    expect(deliveries(service)).toEqual([
      { attempts: 1, failure: null },
      { attempts: 1, failure: null },
    ]);
    await alerts.stop();
  });
});
