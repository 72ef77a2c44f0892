import type { InstanceView, ServiceEvent } from '../../service/types.ts';
import type { ServiceStatus } from '../../service/status.ts';
import { escapeTerminal, shorten, type Style, type Tone } from '../escape-terminal.ts';
import type { Table } from '../table.ts';
import { ageText, sizeText } from './backups.ts';

/** The first lines of `problems status`: the verdict, and who looks. */
export function statusHead({ verdict, reason, service, lastLookAt, engines, at }: ServiceStatus, style: Style): string {
  const tone = verdict === 'healthy' ? 'good' : verdict === 'problems' ? 'error' : 'warning';
  const now = new Date(at);
  const looked = lastLookAt === null ? 'never looked' : `last look ${age(lastLookAt, now)} ago`;
  const who =
    service === null
      ? `No service runs; ${looked}.`
      : `Process ${service.pid}, for ${age(service.startedAt, now)}; ${looked}${
          service.address === null ? '' : `; ${escapeTerminal(service.address)}`
        }.`;
  const away = engines
    .filter(({ reachable }) => !reachable)
    .map(
      ({ name, reason: why }) =>
        `${style('warning', `Engine ${escapeTerminal(name)}`)}: ${escapeTerminal(why ?? '')}\n`,
    );
  return `${style(tone, verdict)}  ${escapeTerminal(reason)}\n${style('faint', who)}\n${away.join('')}`;
}

export function statusTable({ instances, engines, at }: ServiceStatus): Table {
  const several = engines.length > 1;
  return {
    columns: [
      { title: 'INSTANCE' },
      {
        title: 'STATE',
        tone: (cell) =>
          cell === 'up' ? 'good' : cell === 'down' ? 'error' : cell === 'unknown' ? 'warning' : undefined,
      },
      { title: 'FOR', align: 'right' },
      { title: 'MEMORY', align: 'right' },
      { title: 'CONNECTIONS', align: 'right' },
      { title: 'BACKUP' },
    ],
    rows: instances.map((view) => [
      several ? `${view.engine}/${view.instance}` : view.instance,
      view.status,
      age(view.since, new Date(at)),
      memoryText(view),
      view.connections === null ? '' : `${view.connections.used}/${view.connections.limit}`,
      view.backups === null ? '' : view.backups.verdict,
    ]),
  };
}

function memoryText({ memory: { usage, limit } }: InstanceView): string {
  if (usage === null) return '';
  return limit === null || limit === 0 ? sizeText(usage) : `${sizeText(usage)} of ${sizeText(limit)}`;
}

/**
 * Why instances are not up, what was found, and what waits: at most eight lines of each.
 * @param width Of the screen: longer lines are cut. Default: they are not.
 */
export function statusFoot(status: ServiceStatus, style: Style, width = Number.POSITIVE_INFINITY): string {
  const { instances, findings, runs, jobs, at } = status;
  const now = new Date(at);
  function line(tone: Tone, name: string, text: string): string {
    const start = escapeTerminal(name).slice(0, width);
    return style(tone, start) + shorten(`: ${escapeTerminal(text)}`, width - start.length);
  }
  const lines = [
    ...limited(
      instances.flatMap(({ instance, reason }) => (reason === null ? [] : [line('strong', instance, reason)])),
    ),
    ...limited(
      findings.map(({ finding, firstSeen }) =>
        line('warning', finding.id, `for ${age(firstSeen, now)}: ${finding.summary}`),
      ),
    ),
    ...(runs.waiting > 0 ? [`${runs.waiting} waiting for an approval; see: problems runs`] : []),
    ...(runs.stuck > 0 ? [`${runs.stuck} stuck; see: problems runs`] : []),
    ...jobs.flatMap(({ name, lastFailure }) =>
      lastFailure === null ? [] : [line('warning', `${name} failed`, lastFailure)],
    ),
  ];
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** As many as fit on a screen with the table. */
const most = 8;

function limited(lines: readonly string[]): readonly string[] {
  return lines.length <= most ? lines : [...lines.slice(0, most), `… and ${lines.length - most} more`];
}

function age(at: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1_000));
  return seconds < 120 ? `${seconds} s` : ageText(at, now);
}

/** One line of the log of `problems serve`; undefined for what happens too often to be told. */
export function serviceEventText(event: ServiceEvent, states: Map<string, string>): string | undefined {
  switch (event.type) {
    case 'round':
      return event.round.endedAt === null
        ? undefined
        : `round ended: ${event.round.findings} found, ${event.round.notLookedAt} not checked${
            event.round.failure === null ? '' : `, failed: ${escapeTerminal(event.round.failure)}`
          }`;
    case 'instance': {
      const { engine, instance, status, reason } = event.instance;
      const key = `${engine}\0${instance}`;
      if (states.get(key) === status) return undefined;
      states.set(key, status);
      return `${escapeTerminal(instance)} is ${status}${reason === null ? '' : `: ${escapeTerminal(reason)}`}`;
    }
    case 'finding': {
      const { finding, firstSeen, lastSeen, goneAt } = event.finding;
      if (goneAt !== null) return `gone: ${escapeTerminal(finding.id)}`;
      return firstSeen === lastSeen
        ? `found: ${escapeTerminal(finding.id)}: ${escapeTerminal(finding.summary)}`
        : undefined;
    }
    case 'job':
      return event.job.lastFailure === null || event.job.lastEndedAt === null
        ? undefined
        : failedJob(event.job, states);
    case 'run-ended':
      return `run ${event.run} of ${escapeTerminal(event.remediator)} ended: ${event.outcome}`;
    case 'proof':
      return `${escapeTerminal(event.proof.backup)} is ${event.proof.verdict}: ${
        event.proof.level < 0 ? 'it has passed no level' : `it has passed L${event.proof.level}`
      }`;
    default:
      return undefined;
  }
}

/** Once for each end: a job tells of itself when it starts and when its timer is set, too. */
function failedJob(
  { name, lastFailure, lastEndedAt }: (ServiceEvent & { readonly type: 'job' })['job'],
  states: Map<string, string>,
): string | undefined {
  const key = `job\0${name}`;
  if (states.get(key) === lastEndedAt) return undefined;
  states.set(key, lastEndedAt ?? '');
  return `${name} failed: ${escapeTerminal(lastFailure ?? '')}`;
}
