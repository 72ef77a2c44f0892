import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiAnswers } from '../../../src/service/api.ts';
import { routes } from '../../../src/service/http/routes.ts';
import { answers } from '../../remediation/broken-files.ts';
import { findingOfFiles, type ServedService, servedService } from '../running-service.ts';
import { sampleAlert } from '../sample-view.ts';

let served: ServedService | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

const waits = { remediation: { config: { automation: { 'broken-files': 'approve' } } } } as const;

async function get<Path extends keyof ApiAnswers & `GET ${string}`>(
  route: Path,
  path = route.slice('GET '.length),
): Promise<ApiAnswers[Path]> {
  const response = await served!.ask(`/api/v1${path}`);
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as ApiAnswers[Path];
}

describe('GET', () => {
  it('answers every route as it is declared', async () => {
    served = await servedService(waits);
    const { run } = (await (
      await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'test' } })
    ).json()) as ApiAnswers['POST /remediations'];
    const values: Record<string, string> = {
      '/instances/:engine/:name': '/instances/local/orders',
      '/plans': `/plans?finding=${encodeURIComponent(findingOfFiles)}`,
      '/runs/:id': `/runs/${run!.id}`,
      '/problems/:id': '/problems/postgres%2Fpostgresql-files-are-wrong-on-orders',
      '/explanations/:id': '/explanations/postgresql-files-are-wrong-on-orders',
    };
    // They need an engine with containers, or a run with a report.
    const elsewhere = ['/forecast', '/fleet', '/preflight', '/runs/:id/dossier', '/stats'];
    for (const route of routes.filter(({ method, path }) => method === 'GET' && !elsewhere.includes(path))) {
      const response = await served.ask(`/api/v1${values[route.path] ?? route.path}`);
      const body: unknown = await response.json();
      expect(response.status, `${route.path} ${JSON.stringify(body)}`).toBe(200);
      expect(() => route.answer.parse(body), route.path).not.toThrow();
    }
  });

  it('says who asks', async () => {
    served = await servedService();
    expect(await get('GET /session', '/session')).toEqual({ name: 'anna', scope: 'approve', readOnly: false });
  });

  it('answers with code, message and hint if there is no such thing', async () => {
    served = await servedService();
    for (const path of ['/instances/local/nothing', '/runs/r0', '/plans?finding=x', '/problems/x', '/nothing']) {
      const response = await served.ask(`/api/v1${path}`);
      expect(response.status, path).toBe(404);
      expect(await response.json(), path).toMatchObject({ error: { code: 'not-found', message: expect.any(String) } });
    }
  });

  it('lists findings by state', async () => {
    served = await servedService();
    const open = await get('GET /findings', '/findings?state=open');
    expect(open.map(({ finding }) => finding.id)).toContain(findingOfFiles);
    expect(await get('GET /findings', '/findings?state=gone')).not.toContainEqual(
      expect.objectContaining({ goneAt: null }),
    );
    expect((await served.ask('/api/v1/findings?state=lost')).status).toBe(400);
    expect((await served.ask('/api/v1/findings?limit=9999999')).status).toBe(400);
  });
});

describe('a repair', () => {
  it('is planned, asked for, approved by digest and verified', async () => {
    served = await servedService(waits);
    const plan = await get('GET /plans', `/plans?finding=${encodeURIComponent(findingOfFiles)}`);
    expect(plan.steps).toHaveLength(3);
    expect(plan.steps[0]?.undo).toContain('back to');
    expect(plan.holds.join()).toContain('config');

    const asked = await served.ask('/api/v1/remediations', {
      as: 'request',
      json: { finding: findingOfFiles, reason: 'orders are wrong' },
    });
    expect(asked.status).toBe(202);
    const { run } = (await asked.json()) as ApiAnswers['POST /remediations'];
    expect(run).toMatchObject({ phase: 'awaiting-approval', outcome: 'awaiting-approval' });
    const again = await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'again' } });
    expect(await again.json()).toMatchObject({ run: { id: run!.id } });

    const shown = await get('GET /runs/:id', `/runs/${run!.id}`);
    expect(shown.digest).toBe(plan.digest);
    expect(shown.timeline.map(({ what }) => what)).toEqual(['planned', 'requested by agent']);

    const approved = await served.ask(`/api/v1/runs/${run!.id}/approve`, { json: { planDigest: shown.digest } });
    expect(approved.status, await approved.clone().text()).toBe(202);
    await ended(run!.id);
    expect(await answers(served.folder)).toEqual(['right', 'right', 'right']);
    const done = await get('GET /runs/:id', `/runs/${run!.id}`);
    expect(done.run).toMatchObject({ outcome: 'fixed', approvedBy: 'anna' });
    expect(done.verification.every(({ passed }) => passed)).toBe(true);
    expect(done.timeline.at(-1)?.what).toBe('ended: fixed');
    expect(done.timeline.filter(({ what }) => what.includes('a.conf'))).toHaveLength(1);

    const back = await served.ask(`/api/v1/runs/${run!.id}/rollback`, { json: {} });
    expect(back.status).toBe(202);
    await ended(run!.id, 'rolled-back');
    expect(await answers(served.folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('runs at once if the policy lets it', async () => {
    served = await servedService({ remediation: { config: { automation: { 'broken-files': 'auto' } } } });
    const response = await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'test' } });
    const { run } = (await response.json()) as ApiAnswers['POST /remediations'];
    await ended(run!.id);
    expect(await answers(served.folder)).toEqual(['right', 'right', 'right']);
  });

  it('is approved once by two tabs', async () => {
    served = await servedService(waits);
    const response = await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'test' } });
    const { run } = (await response.json()) as ApiAnswers['POST /remediations'];
    const { digest } = await get('GET /runs/:id', `/runs/${run!.id}`);
    const both = await Promise.all(
      [1, 2].map(() => served!.ask(`/api/v1/runs/${run!.id}/approve`, { json: { planDigest: digest } })),
    );
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
    await ended(run!.id);
    const late = await served.ask(`/api/v1/runs/${run!.id}/approve`, { json: { planDigest: digest } });
    expect(late.status).toBe(409);
  });

  it('is refused with a stale digest, and changes nothing', async () => {
    served = await servedService(waits);
    const response = await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'test' } });
    const { run } = (await response.json()) as ApiAnswers['POST /remediations'];
    const stale = await served.ask(`/api/v1/runs/${run!.id}/approve`, { json: { planDigest: 'a'.repeat(64) } });
    expect(stale.status).toBe(409);
    expect(await stale.json()).toMatchObject({ error: { code: 'plan-changed' } });
    expect(await answers(served.folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('ends when someone refuses it, and is not counted as a failure', async () => {
    served = await servedService(waits);
    const response = await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'test' } });
    const { run } = (await response.json()) as ApiAnswers['POST /remediations'];
    const refused = await served.ask(`/api/v1/runs/${run!.id}/refuse`, { json: { reason: 'not today' } });
    expect(await refused.json()).toMatchObject({
      run: {
        phase: 'ended',
        outcome: 'failed',
        failure: { class: 'interrupted', message: 'refused by anna: not today' },
      },
    });
    const again = await served.ask('/api/v1/remediations', { json: { finding: findingOfFiles, reason: 'test' } });
    expect(await again.json()).toMatchObject({ run: { phase: 'awaiting-approval' } });
  });

  it('happens once for one Idempotency-Key', async () => {
    served = await servedService(waits);
    const headers = { 'idempotency-key': 'k1' };
    const json = { finding: findingOfFiles, reason: 'test' };
    const first = await served.ask('/api/v1/remediations', { json, headers });
    const second = await served.ask('/api/v1/remediations', { json, headers });
    expect(await second.text()).toBe(await first.text());
    const other = await served.ask('/api/v1/remediations', { json: { ...json, reason: 'other' }, headers });
    expect(other.status).toBe(400);
  });
});

describe('POST', () => {
  it('starts a round', async () => {
    served = await servedService();
    const response = await served.ask('/api/v1/rounds', { json: { instances: ['orders'] } });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ id: 'round-1', endedAt: null });
    expect(served.requestedRounds).toEqual([['orders']]);
  });

  it('keeps who acknowledged an alert and a finding, and until when they are silent', async () => {
    served = await servedService();
    const alert = sampleAlert({ state: 'firing', acknowledged: null, silencedUntil: null });
    served.store.alerts.note(alert);
    const path = `/api/v1/alerts/${encodeURIComponent(alert.fingerprint)}`;
    const ack = await served.ask(`${path}/ack`, { as: 'request', json: { comment: 'seen' } });
    expect(await ack.json()).toMatchObject({ acknowledged: { by: 'agent', comment: 'seen' } });
    const until = '2026-12-01T08:00:00Z';
    await served.ask(`${path}/silence`, { json: { until } });
    expect(served.store.alerts.open()).toMatchObject([{ acknowledged: { comment: 'seen' }, silencedUntil: until }]);

    await served.ask('/api/v1/findings/ack', { json: { finding: findingOfFiles, comment: 'known' } });
    const [tracked] = served.store.findings
      .list({ state: 'open', limit: 10 })
      .filter(({ finding }) => finding.id === findingOfFiles);
    expect(tracked?.acknowledged).toMatchObject({ by: 'anna', comment: 'known' });
  });

  it('pauses all repairs and ends the pause', async () => {
    served = await servedService();
    const paused = await served.ask('/api/v1/pause', { json: { paused: true, reason: 'release' } });
    expect(await paused.json()).toEqual({ paused: 'release' });
    const file = join(served.folder, '.problems/paused');
    expect(await readFile(file, 'utf8')).toBe('anna: release\n');
    await served.ask('/api/v1/pause', { json: { paused: false } });
    await expect(readFile(file, 'utf8')).rejects.toThrow('ENOENT');
  });

  it('lifts a suspension', async () => {
    served = await servedService();
    await served.service.withRemediation('local', ({ session }) =>
      session.store.suspensions.add('orders', 'a page is torn', session.at()),
    );
    const lifted = await served.ask('/api/v1/instances/local/orders/lift', { json: {} });
    expect(await lifted.json()).toEqual({ lifted: { reason: 'a page is torn' } });
    expect(await (await served.ask('/api/v1/instances/local/orders/lift', { json: {} })).json()).toEqual({
      lifted: null,
    });
  });

  it('writes an attempt into the registry once, as text', async () => {
    served = await servedService();
    const json = { what: 'restarted it', worked: false, evidence: 'FATAL: <script>alert(1)</script>\n## heading' };
    const path = '/api/v1/problems/postgres%2Fpostgresql-files-are-wrong-on-orders/outcomes';
    expect(await (await served.ask(path, { as: 'request', json })).json()).toEqual({ written: true });
    expect(await (await served.ask(path, { as: 'request', json })).json()).toEqual({ written: false });
    const text = await readFile(join(served.folder, 'PROBLEMS.md'), 'utf8');
    expect(text).toContain('agent tried: restarted it; it did not help: FATAL: \\<script\\>alert(1)');
    expect(text).not.toContain('\n## heading');
  });
});

async function ended(id: string, outcome = 'fixed'): Promise<void> {
  await expect
    .poll(async () => (await get('GET /runs/:id', `/runs/${id}`)).run.outcome, { timeout: 20_000, interval: 100 })
    .toBe(outcome);
}
