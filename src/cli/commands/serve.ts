import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Alerts } from '../../service/alerts/alerts.ts';
import type { Service } from '../../service/contract.ts';
import type { HttpServer, HttpSettings } from '../../service/http/serve-http.ts';
import { errorText } from '../../util/text.ts';
import { defineCommand } from '../command.ts';
import { onStopSignal } from '../remediation-context.ts';
import { configFor, configOptions } from '../shared-options.ts';
import type { Screen } from '../terminal.ts';

export const serve = defineCommand({
  name: 'serve',
  group: 'service',
  summary: 'Check all instances in rounds, prove backups by calendar, and keep what was seen, until you stop it.',
  about:
    'Asks every instance every 30 seconds, looks at once after an event of the Docker engine, and runs all remediators every ' +
    'five minutes. It changes nothing unless `service.remediate` says so; runs that an earlier process left are finished. ' +
    'SIGTERM and Ctrl-C end it at the next safe point. Its log goes to stderr: lines of text on a terminal, else of JSON. ' +
    'See docs/service.md.',
  arguments: [],
  options: {
    listen: {
      type: 'text',
      value: 'address',
      about: 'Where pages, API and metrics are served: `127.0.0.1:4817`, `unix:/path` or `off`. Default: the config.',
    },
    allowRemote: {
      type: 'flag',
      about: 'Listen on an address that other machines reach. It needs `service.tls` or `service.proxy` as well.',
    },
    readOnly: { type: 'flag', about: 'Change nothing: no repair, no resumed run, no drill.' },
    rules: { type: 'flag', about: 'Print alerting rules for Prometheus, and start nothing.' },
    json: { type: 'flag', about: 'Write the log as JSON lines also on a terminal.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems serve', about: 'until Ctrl-C' },
    { command: 'problems serve --read-only', about: 'only look' },
    { command: 'problems serve --listen 0.0.0.0:4817 --allow-remote', about: 'with `service.tls` in the config' },
    { command: 'problems serve --rules > problems.rules.yml', about: 'rules for Prometheus' },
  ],
  exitCodes: [
    { code: 0, about: 'it was stopped by SIGTERM, SIGINT or SIGHUP' },
    { code: 2, about: 'it could not start: another service runs, the config is wrong, …' },
  ],
  async run({ options, cwd, now, screen, signal }) {
    if (options.rules) {
      const { prometheusRules } = await import('../../service/alerts/prometheus-rules.ts');
      screen.out.write(prometheusRules());
      return 0;
    }
    const config = await configFor(options, cwd, { ownOnly: true });
    const [{ openService }, { serviceManager }] = await Promise.all([
      import('../../service/service.ts'),
      import('../../service/service-manager.ts'),
    ]);
    const log = await createLog(screen, options.json, now);
    const listen = options.listen ?? config.service.listen;
    const service = await openService({
      config,
      readOnly: options.readOnly,
      address: listen === 'off' ? null : (listen ?? '127.0.0.1:4817'),
      onWarning: (text) => log.warn(text),
    });
    const manager = serviceManager(process.env);
    const stopped = untilStopped(signal);
    const unsubscribe = service.subscribe(log.event);
    let watchdog: NodeJS.Timeout | undefined;
    let http: HttpServer | undefined;
    let alerts: Alerts | undefined;
    try {
      alerts = await alertsOf(service, config, { now, onError: log.failed });
      if (listen !== 'off')
        http = await listenFor(service, { listen, allowRemote: options.allowRemote, cwd, config, onError: log.failed });
      log.say(`started: process ${process.pid}${http === undefined ? '' : `, listens at ${http.url}`}`);
      if (http?.loginUrl !== undefined) tellLogin(screen, http.loginUrl, log.say);
      await manager?.tell('READY=1');
      if (manager?.watchdogMs !== undefined)
        watchdog = setInterval(() => void tellAlive(service, manager.tell), manager.watchdogMs / 3);
      await stopped;
      log.say('stopping at the next safe point');
      await manager?.tell('STOPPING=1');
    } finally {
      clearInterval(watchdog);
      await http?.close();
      await alerts?.stop();
      await service.stop();
      unsubscribe();
    }
    log.say('stopped');
    return 0;
  },
});

/** No sign of life unless it has looked lately: a service that hangs is to be restarted. */
async function tellAlive(service: Service, tell: (notice: 'WATCHDOG=1') => Promise<void>): Promise<void> {
  const { jobs, startedAt, at } = service.view();
  const look = jobs.find(({ name }) => name === 'light-look');
  const last = Date.parse(look?.lastEndedAt ?? startedAt);
  if (Date.parse(at) - last < 180_000) await tell('WATCHDOG=1');
}

async function listenFor(
  service: Service,
  settings: { readonly listen: string | undefined; readonly cwd: string; readonly config: Config } & Pick<
    HttpSettings,
    'allowRemote' | 'onError'
  >,
): Promise<HttpServer> {
  const [{ serveHttp }, { reachOf }, { createMetrics }] = await Promise.all([
    import('../../service/http/serve-http.ts'),
    import('../../service/reach.ts'),
    import('../../service/metrics/metrics.ts'),
  ]);
  const { listen, allowRemote, cwd, config, onError } = settings;
  // The build puts this file into dist/chunks; the sources have pages only after a build.
  const above = import.meta.filename.endsWith('.ts') ? '../../../dist' : '..';
  const pages = join(import.meta.dirname, above, 'service/page');
  const metrics = createMetrics(service);
  return serveHttp(service, {
    listen,
    allowRemote,
    ...reachOf(config),
    project: { cwd, config },
    metrics: () => metrics.render(),
    onError,
    ...(existsSync(pages) ? { pageFolder: pages } : {}),
  });
}

async function alertsOf(
  service: Service,
  config: Config,
  outside: { readonly now: () => Date; readonly onError: (error: unknown) => void },
): Promise<Alerts> {
  const [{ nodeTimers, startAlerts }, { alertSettings }] = await Promise.all([
    import('../../service/alerts/alerts.ts'),
    import('../../service/alerts/settings.ts'),
  ]);
  return startAlerts(service, alertSettings(config.service), { ...outside, timers: nodeTimers });
}

/** The link only on a terminal: whoever reads a log must not be able to sign in. */
function tellLogin({ notes }: Screen, url: string, say: Log['say']): void {
  if (notes.isTerminal) notes.write(`Sign in, once: ${url}\n`);
  else say('no one can sign in yet: make a token with problems tokens add NAME --scope approve');
}

function untilStopped(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const restore = onStopSignal(() => resolve());
    signal?.addEventListener('abort', () => {
      restore();
      resolve();
    });
  });
}

interface Log {
  readonly say: (text: string) => void;
  warn(text: string): void;
  readonly failed: (error: unknown) => void;
  readonly event: Parameters<Service['subscribe']>[0];
}

async function createLog({ notes }: Screen, asJson: boolean, now: () => Date): Promise<Log> {
  const [{ serviceEventText }, { jsonLine }, { escapeTerminal }] = await Promise.all([
    import('../../reporters/text/service.ts'),
    import('../../reporters/json.ts'),
    import('../../reporters/escape-terminal.ts'),
  ]);
  const states = new Map<string, string>();
  function write(level: 'info' | 'warning', text: string): void {
    const at = now().toISOString();
    if (asJson || !notes.isTerminal) notes.write(jsonLine({ at, level, text }));
    else
      notes.write(
        `${notes.style('faint', at.slice(11, 19))} ${level === 'info' ? text : notes.style('warning', text)}\n`,
      );
  }
  return {
    say: (text) => write('info', text),
    warn: (text) => write('warning', escapeTerminal(text)),
    failed: (error) => write('warning', escapeTerminal(errorText(error))),
    event(event) {
      const text = serviceEventText(event, states);
      if (text !== undefined) write('info', text);
    },
  };
}
