import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Instance } from '../../../src/host/instance.ts';
import type { Finding } from '../../../src/app/remediation.ts';
import { forEachInstance } from '../../../src/remediation/shared/for-each-instance.ts';

const remediator = 'broken-files';
const host = {
  signal: new AbortController().signal,
  instance: (name: string) => Promise.resolve(instance(name)),
};

describe('checking each instance', () => {
  it('keeps the findings of an instance before an error, and reports the error too', async () => {
    const seen = await forEachInstance(
      [instance('orders')],
      host,
      { remediator, together: 1 },
      async ({ name }, noting) => {
        noting.found(findingOn(name, 'first'));
        noting.notLookedAt('one of its databases is locked');
        await sleep(1);
        throw new Error('the server has gone away');
      },
    );
    expect(seen).toEqual({
      findings: [findingOn('orders', 'first')],
      notLookedAt: [
        { remediator, instance: 'orders', reason: 'one of its databases is locked' },
        { remediator, instance: 'orders', reason: 'the server has gone away' },
      ],
    });
  });

  it('hides no other instance on an error, and returns findings in order of ids however long each takes', async () => {
    const names = ['d', 'b', 'a', 'c'];
    const seen = await forEachInstance(
      names.map((name) => instance(name)),
      host,
      { remediator, together: 3 },
      async ({ name }, noting) => {
        await sleep(name === 'a' ? 20 : 1);
        if (name === 'b') throw new Error('refused');
        noting.found(findingOn(name, 'z'), findingOn(name, 'y'));
      },
    );
    expect(seen.findings.map(({ id }) => id)).toEqual(
      ['a', 'c', 'd'].flatMap((name) => ['y', 'z'].map((kind) => findingOn(name, kind).id)),
    );
    expect(seen.notLookedAt).toEqual([{ remediator, instance: 'b', reason: 'refused' }]);
  });

  it('marks checks that can never run', async () => {
    const seen = await forEachInstance([instance('orders')], host, { remediator, together: 1 }, async (_, noting) =>
      noting.notLookedAt('its data is in the container itself', { lasting: true }),
    );
    expect(seen.notLookedAt).toEqual([
      { remediator, instance: 'orders', reason: 'its data is in the container itself', lasting: true },
    ]);
  });

  it('skips an instance that stopped meanwhile if only running ones are checked', async () => {
    const only = ({ container }: Instance): boolean => container.state.running;
    const ended = (name: string): Instance => instance(name, false);
    const looked: string[] = [];
    async function look({ name }: Instance): Promise<void> {
      looked.push(name);
      return Promise.reject(new Error('it is restarting'));
    }
    const each = { remediator, together: 1, only };
    const all = [instance('orders'), ended('billing')];
    const seen = await forEachInstance(all, { ...host, instance: (name) => Promise.resolve(ended(name)) }, each, look);
    expect([looked, seen]).toEqual([['orders'], { findings: [], notLookedAt: [] }]);
    // It is still running, so the failed check counts.
    expect((await forEachInstance(all, host, each, look)).notLookedAt).toEqual([
      { remediator, instance: 'orders', reason: 'it is restarting' },
    ]);
  });

  it('ends on abort, and on an error that affects all instances', async () => {
    const stop = new AbortController();
    const all = [instance('orders'), instance('billing')];
    const stopped = forEachInstance(all, { ...host, signal: stop.signal }, { remediator, together: 1 }, async () => {
      stop.abort();
      throw new Error('stopped');
    });
    await expect(stopped).rejects.toThrow('stopped');
    const looked: string[] = [];
    const away = forEachInstance(all, host, { remediator, together: 1, endsAll: () => true }, async ({ name }) => {
      looked.push(name);
      throw new Error('the engine is away');
    });
    await expect(away).rejects.toThrow('the engine is away');
    expect(looked).toEqual(['orders']);
  });
});

function findingOn(name: string, kind: string): Finding<null> {
  return {
    id: `${remediator}/${name}/${kind}`,
    remediator,
    instance: name,
    kind,
    summary: '',
    risk: 'safe',
    evidence: [],
    details: null,
    problem: null,
  };
}

function instance(name: string, running = true): Instance {
  return {
    name,
    container: {
      id: name,
      name: `vrooli-postgres-${name}`,
      image: '',
      imageName: '',
      created: '',
      labels: {},
      state: {
        status: running ? 'running' : 'restarting',
        running,
        exitCode: 0,
        error: '',
        oomKilled: false,
        startedAt: '',
        finishedAt: '',
        health: '',
      },
      restartPolicy: { name: 'no', maximumRetryCount: 0 },
      autoRemove: false,
      env: {},
      user: '',
      entrypoint: [],
      command: [],
      networkMode: 'none',
      portBindings: [],
      publishedPorts: [],
      mounts: [],
      endpoints: [],
      memory: 0,
      shmSize: 0,
      cpus: 0,
      inspect: {},
    },
    user: 'vrooli',
    database: 'vrooli',
    port: 5432,
    dataDirectory: '/var/lib/postgresql/data',
    dataMount: undefined,
    volumeKey: `volume:e/${name}`,
    folder: undefined,
    declared: {},
  };
}
