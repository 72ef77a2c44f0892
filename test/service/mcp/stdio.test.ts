import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openServiceStore } from '../../../src/service/store/store.ts';
import { brokenProject } from '../../app/repairs.ts';
import { bin } from '../../cli/run.ts';
import { answers, removeFolder } from '../../remediation/broken-files.ts';
import { findingOfFiles } from '../running-service.ts';
import { minutesAgo, sampleFinding, sampleRound } from '../sample-view.ts';

let folder = '';
let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  await removeFolder(folder);
});

async function connect(mode: 'legacy' | { pin: string }, ...more: readonly string[]): Promise<Client> {
  client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [bin, 'mcp', '--trust-config', ...more],
      cwd: folder,
      env,
      stderr: 'ignore',
    }),
  );
  return client;
}

async function call(
  name: string,
  args: Record<string, unknown> = {},
): Promise<Record<string, ReturnType<typeof JSON.parse>>> {
  const { structuredContent } = await client!.callTool({ name, arguments: args });
  return structuredContent as Record<string, ReturnType<typeof JSON.parse>>;
}

/** As clients of both protocols do it. Returns what ends the subscription. */
async function subscribed(
  connected: Client,
  mode: 'legacy' | { pin: string },
  uri: string,
): Promise<() => Promise<unknown>> {
  if (mode === 'legacy') {
    await connected.subscribeResource({ uri });
    return () => connected.unsubscribeResource({ uri });
  }
  const subscription = await connected.listen({ resourceSubscriptions: [uri] });
  return () => subscription.close();
}

describe('problems mcp', () => {
  it('serves agents of 2025 without a running service', async () => {
    folder = await brokenProject({ repair: 'approve' });
    const { tools } = await (await connect('legacy')).listTools();
    expect(tools).toHaveLength(12);
    // No service has ever looked here.
    expect(await call('list_findings')).toMatchObject({ lastRound: null, ageSeconds: null, findings: [] });
    const { requestedRound } = await call('list_findings', { refresh: true });
    await expect
      .poll(async () => (await call('list_findings'))['lastRound']?.id, { timeout: 30_000, interval: 200 })
      .toBe(requestedRound);
    expect(await call('list_findings')).toMatchObject({ total: 1, findings: [{ id: findingOfFiles }] });
    const { run, state } = await call('request_remediation', { finding: findingOfFiles, reason: 'wrong' });
    expect(state).toBe('awaiting-approval');
    expect(await call('get_run', { run: run.id })).toMatchObject({ state: 'awaiting-approval' });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it.each(['legacy', { pin: '2026-07-28' }] as const)(
    'tells who subscribed that findings have changed: %j',
    async (mode) => {
      folder = await brokenProject({ repair: 'approve' });
      const connected = await connect(mode);
      const updated: string[] = [];
      connected.setNotificationHandler('notifications/resources/updated', ({ params }) => {
        updated.push(params.uri);
      });
      await call('list_findings', { refresh: true });
      await expect.poll(async () => (await call('list_findings'))['total'], { timeout: 30_000 }).toBe(1);
      // Nobody had asked for it then.
      expect(updated).toEqual([]);
      const end = await subscribed(connected, mode, 'problems://findings');
      await call('list_findings', { refresh: true });
      await expect.poll(() => updated, { timeout: 30_000 }).toContain('problems://findings');
      await end();
      updated.length = 0;
      const { requestedRound } = await call('list_findings', { refresh: true });
      await expect
        .poll(async () => (await call('list_findings'))['lastRound'].id, { timeout: 30_000 })
        .toBe(requestedRound);
      expect(updated).toEqual([]);
    },
  );

  it('answers with what a service that was started since has seen, and tells who subscribed', async () => {
    folder = await brokenProject();
    const connected = await connect('legacy');
    const updated: string[] = [];
    connected.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      updated.push(params.uri);
    });
    await connected.subscribeResource({ uri: 'problems://findings' });
    expect(await call('list_findings')).toMatchObject({ lastRound: null, total: 0 });
    const service = await openServiceStore(join(folder, '.problems/service.db'));
    service.findings.note(sampleFinding());
    service.rounds.note(sampleRound({ id: 'since', startedAt: minutesAgo(3), endedAt: minutesAgo(2) }));
    await expect.poll(() => updated, { timeout: 10_000 }).toEqual(['problems://findings']);
    expect(await call('list_findings')).toMatchObject({ lastRound: { id: 'since' }, total: 1 });
    service.close();
  });

  it('serves agents of 2026, and only reads if it is told so', async () => {
    folder = await brokenProject();
    const { tools } = await (await connect({ pin: '2026-07-28' }, '--scope', 'read')).listTools();
    expect(tools.map(({ name }) => name)).not.toContain('request_remediation');
  });
});
