import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { PlanAnswer, RunAnswer } from '../../src/service/api.ts';
import type { ServiceEvent, ServiceView } from '../../src/service/types.ts';
import { minutesAgo, sampleView } from '../service/sample-view.ts';
import { answersFor } from './answers.ts';

/*
 * A small server for the page alone: answers of the API as plain data, and a stream of events that a test writes to. What
 * the real server refuses (Host, Origin, scopes) is not here.
 */

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

export interface PageServer {
  readonly url: string;
  view: ServiceView;
  scope: 'read' | 'request' | 'approve' | null;
  /** The steps of every plan; changing them changes the digest. */
  steps: PlanAnswer['steps'];
  despite: readonly string[];
  timeline: RunAnswer['timeline'];
  /** What was asked for: `POST /api/v1/rounds {}`. */
  readonly asked: string[];
  /** The Last-Event-ID of each stream. */
  readonly streams: string[];
  emit(event: ServiceEvent): void;
  /** Ends all streams; the page connects again. */
  cut(): void;
  close(): Promise<void>;
}

export const firstSteps: PlanAnswer['steps'] = [
  { what: 'Stop vrooli-postgres-orders', undo: 'start it again', downtime: true },
  { what: 'Create it again with port 5437', undo: 'start the old container, which is kept', downtime: true },
  { what: 'Wait until it answers on port 5437', undo: null, downtime: false },
];

function digestOf(steps: PlanAnswer['steps']): string {
  return createHash('sha256').update(JSON.stringify(steps)).digest('hex');
}

export async function servePage(folder: string): Promise<PageServer> {
  const open = new Set<ServerResponse>();
  let number = 0;
  const state: PageServer = {
    url: '',
    view: sampleView(),
    scope: 'approve',
    steps: firstSteps,
    despite: [],
    timeline: [
      { at: minutesAgo(1.5), what: 'Checked what the plan expects', seconds: 0.4, state: 'done' },
      { at: minutesAgo(1.4), what: 'Stop vrooli-postgres-billing', seconds: 2.1, state: 'done' },
      { at: minutesAgo(1.3), what: 'Create it again with a limit of 1 GiB', seconds: null, state: 'running' },
    ],
    asked: [],
    streams: [],
    emit(event) {
      number += 1;
      for (const one of open) one.write(`id: t-${number}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    },
    cut() {
      for (const one of open) one.destroy();
      open.clear();
    },
    async close() {
      state.cut();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function send(response: ServerResponse, status: number, answer: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json', 'content-security-policy': policy });
    response.end(JSON.stringify(answer));
  }

  function answerOf(path: string, query: URLSearchParams): unknown {
    const { view } = state;
    const all = answersFor(view);
    const parts = path.split('/').map(decodeURIComponent);
    const run = all.runs.find(({ id }) => id === parts[2]);
    switch (parts[1]) {
      case 'session':
        return { name: 'anna', scope: state.scope, readOnly: view.readOnly };
      case 'view':
        return view;
      case 'instances': {
        const instance = view.instances.find((one) => one.engine === parts[2] && one.instance === parts[3]);
        if (instance === undefined) return undefined;
        const since = query.get('since') ?? '';
        return {
          instance,
          samples: all.samplesOf(instance).filter(({ at }) => at >= since),
          findings: view.findings.filter(({ finding }) => finding.instance === instance.instance),
          runs: all.runs.filter(({ plan }) => plan.target.instance === instance.instance),
          backups: view.backups.find((one) => one.instance === instance.instance) ?? null,
        };
      }
      case 'findings':
        return view.findings.filter(({ goneAt }) => (query.get('state') === 'gone') === (goneAt !== null));
      case 'plans':
        return {
          finding: view.findings[0]?.finding,
          steps: state.steps,
          downtime: 'about 12 s: the container is created again',
          holds: ['the config requires approval'],
          refusal: null,
          digest: digestOf(state.steps),
        };
      case 'runs':
        if (parts[2] === undefined) return all.runs;
        return run === undefined
          ? undefined
          : {
              run,
              digest: digestOf(state.steps),
              steps: state.steps,
              timeline: run.phase === 'awaiting-approval' ? [] : state.timeline,
              despite: run.phase === 'awaiting-approval' ? state.despite : [],
              verification:
                run.outcome === 'fixed'
                  ? [
                      { what: 'answers on port 5440', passed: true },
                      { what: 'same system identifier', passed: true },
                    ]
                  : [],
              dossier:
                run.outcome === 'stuck'
                  ? '# ledger is stuck\n\nThe old container could not be started: no such image.\n'
                  : null,
              backups: [],
            };
      case 'backups':
        return all.backups;
      case 'problems':
        return {
          tasks: all.tasks.map(({ task }) => task),
          records: all.tasks.map(({ task }, index) => ({
            id: task.problem,
            kind: 'active',
            title: task.title,
            path: task.target,
            place: { line: 8 + index * 40 },
          })),
        };
      case 'tasks':
        return { tasks: all.tasks };
      case 'explanations': {
        const entry = all.tasks.find(({ id }) => id === parts[2]);
        return {
          task: entry?.task,
          rank: 2,
          of: all.tasks.length,
          above: { id: 'a', problem: 'oom-kills', score: 34.56 },
          changes: [
            { estimate: 'impact', from: 8, to: null, score: 12.96 },
            { estimate: 'urgency', from: 'high', to: 'critical', score: 41.2 },
          ],
          waiting: null,
        };
      }
      case 'stats':
        return all.stats;
      case 'forecast':
        return all.forecast;
      case 'fleet':
        return all.fleet;
      case 'preflight':
        return { ok: true, answers: [{ about: 'memory', ok: true, reasons: ['the limits leave enough'] }] };
      case 'service':
        return {
          jobs: view.jobs,
          deliveries: view.deliveries,
          tokens: [{ name: 'laptop', scope: 'approve', createdAt: minutesAgo(9000), lastUsedAt: minutesAgo(1) }],
          policy: ['remediation.automation: approve', 'port-reassignment: auto', 'memory-limits: approve'],
        };
      default:
        return undefined;
    }
  }

  async function change(
    path: string,
    body: Readonly<Record<string, unknown>>,
    response: ServerResponse,
  ): Promise<void> {
    const id = path.split('/')[2] ?? '';
    if (path.endsWith('/approve')) {
      if (body['planDigest'] !== digestOf(state.steps)) {
        send(response, 409, {
          error: { code: 'plan-changed', message: 'The plan has changed since it was shown.', hint: null },
        });
        return;
      }
      const openRuns = state.view.openRuns.map((run) =>
        run.id === id ? { ...run, phase: 'running' as const, outcome: null, approvedBy: 'anna, token laptop' } : run,
      );
      state.view = { ...state.view, openRuns };
    }
    send(response, 202, {
      run: answersFor(state.view).runs.find((run) => run.id === id) ?? state.view.openRuns[0],
      refusal: null,
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const file = url.pathname === '/' ? 'index.html' : url.pathname.slice(1);
    const type = types[extname(file)];
    if (request.method === 'GET' && type !== undefined) {
      response.writeHead(200, {
        'content-type': type,
        'content-security-policy': policy,
        'referrer-policy': 'same-origin',
      });
      response.end(readFileSync(join(folder, file)));
      return;
    }
    if (request.method === 'POST') {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      state.asked.push(`POST ${url.pathname} ${text}`);
      const body = JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>;
      if (url.pathname === '/login') {
        if (body['token'] !== 'right')
          return send(response, 401, {
            error: { code: 'not-signed-in', message: 'This token is not known.', hint: 'Check it.' },
          });
        state.scope = 'approve';
        return send(response, 200, {});
      }
      return change(url.pathname.replace('/api/v1', ''), body, response);
    }
    if (state.scope === null)
      return send(response, 401, { error: { code: 'not-signed-in', message: 'This needs a token.', hint: null } });
    if (url.pathname === '/api/v1/events') {
      state.streams.push(String(request.headers['last-event-id'] ?? ''));
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-security-policy': policy });
      response.write('retry: 1500\n\n');
      open.add(response);
      response.on('close', () => open.delete(response));
      return;
    }
    const answer = url.pathname.startsWith('/api/v1/')
      ? answerOf(url.pathname.slice('/api/v1'.length), url.searchParams)
      : undefined;
    if (answer === undefined)
      return send(response, 404, { error: { code: 'not-found', message: 'There is no such thing.', hint: null } });
    send(response, 200, answer);
  }

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, { url: `http://127.0.0.1:${port}` });
}
