import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRemediation, type RemediationOptions } from '../../src/app/remediation.ts';
import { loadConfig } from '../../src/config/config.ts';
import { ProblemsError } from '../../src/errors.ts';
import type { Scope, Service } from '../../src/service/contract.ts';
import { serveHttp, type HttpServer, type HttpSettings } from '../../src/service/http/serve-http.ts';
import { openServiceStore, type ServiceFile } from '../../src/service/store/store.ts';
import { withoutDetails } from '../../src/service/operations/plans.ts';
import { addToken } from '../../src/service/tokens.ts';
import type { ServiceEvent, ServiceView } from '../../src/service/types.ts';
import { registry } from '../app/repairs.ts';
import { brokenFiles, brokenFolder, removeFolder } from '../remediation/broken-files.ts';
import { minutesAgo, sampleFinding, sampleInstance, sampleRound, sampleView } from './sample-view.ts';

/**
 * A service without rounds: its view is a sample, its history a service.db in memory, and behind it works the real
 * remediation engine on a folder of broken files.
 */
export interface RunningService {
  readonly service: Service;
  readonly store: ServiceFile;
  readonly folder: string;
  readonly requestedRounds: (readonly string[] | undefined)[];
  /** Changes the view from now on. */
  readonly show: (changes: Partial<ServiceView>) => void;
  readonly emit: (event: ServiceEvent) => void;
  close(): Promise<void>;
}

export const findingOfFiles = 'broken-files/orders/wrong-text';

export interface ServiceOptions {
  readonly remediation?: Partial<RemediationOptions>;
  readonly view?: Partial<ServiceView>;
}

export async function runningService(options: ServiceOptions = {}): Promise<RunningService> {
  const folder = await brokenFolder();
  await writeFile(join(folder, 'PROBLEMS.md'), registry);
  await writeFile(join(folder, 'problems.config.json'), JSON.stringify({ components: { 'PROBLEMS.md': 'postgres' } }));
  const store = await openServiceStore(':memory:');
  const listeners = new Set<(event: ServiceEvent) => void>();
  const requestedRounds: (readonly string[] | undefined)[] = [];
  const [finding] = (await brokenFiles.detect((await open()).session.reader)).findings;
  const tracked = sampleFinding({ engine: 'local' });
  let view = sampleView({
    engines: sampleView().engines.filter(({ name }) => name === 'local'),
    instances: [sampleInstance()],
    findings: [
      { ...tracked, finding: finding === undefined ? tracked.finding : withoutDetails(finding), goneAt: null },
    ],
    openRuns: [],
    runningRound: null,
    lastRound: sampleRound({ endedAt: new Date().toISOString(), failure: null }),
    ...options.view,
  });
  for (const one of view.findings) store.findings.note(one);

  async function open() {
    return openRemediation({ folder, remediators: [brokenFiles], ...options.remediation });
  }

  function emit(event: ServiceEvent): void {
    for (const listener of listeners) listener(event);
  }

  const service: Service = {
    view: () => view,
    history: store,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    requestRound({ instances }) {
      requestedRounds.push(instances);
      return sampleRound({ id: `round-${requestedRounds.length}`, startedAt: minutesAgo(0), endedAt: null });
    },
    async withRemediation(engine, work) {
      if (engine !== 'local') throw new ProblemsError('not-found', `There is no engine ${engine}.`);
      const remediation = await open();
      try {
        return await work(remediation);
      } finally {
        remediation.close();
      }
    },
    publish: emit,
    stop: async () => undefined,
  };
  return {
    service,
    store,
    folder,
    requestedRounds,
    show(changes) {
      view = { ...view, ...changes };
    },
    emit,
    async close() {
      store.close();
      await removeFolder(folder);
    },
  };
}

export interface ServedService extends RunningService {
  readonly http: HttpServer;
  /** A token of each scope. */
  readonly tokens: Readonly<Record<Scope, string>>;
  /** Requests a path as a program with a token does. */
  readonly ask: (path: string, request?: Asked) => Promise<Response>;
}

export interface Asked extends RequestInit {
  readonly as?: Scope;
  readonly json?: unknown;
}

export async function servedService(
  options: ServiceOptions & { readonly http?: Partial<HttpSettings> } = {},
): Promise<ServedService> {
  const running = await runningService(options);
  const now = new Date();
  const tokens = {
    read: addToken(running.store.tokens, { name: 'reader', scope: 'read', now }),
    request: addToken(running.store.tokens, { name: 'agent', scope: 'request', now }),
    approve: addToken(running.store.tokens, { name: 'anna', scope: 'approve', now }),
  };
  const config = await loadConfig(running.folder, { trust: 'given' });
  const http = await serveHttp(running.service, {
    listen: '127.0.0.1:0',
    project: { cwd: running.folder, config },
    ...options.http,
  });
  return {
    ...running,
    http,
    tokens,
    ask(path, { as = 'approve', json, ...request } = {}) {
      return fetch(`${http.url}${path}`, {
        ...request,
        ...(json === undefined ? {} : { body: JSON.stringify(json), method: 'POST' }),
        headers: {
          authorization: `Bearer ${tokens[as]}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...Object.fromEntries(new Headers(request.headers)),
        },
      });
    },
    async close() {
      await http.close();
      await running.close();
    },
  };
}

/** A folder that is removed at the end of the test. */
export async function scratchFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'problems-http-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
