import type { Release, Report, Settled, WorkEvent } from '../../app/swarm.ts';
import { escapeTerminal, type Style, type Tone } from '../escape-terminal.ts';
import { claimJson } from './swarm.ts';

/** What a worker does, one line for each event; empty for an event that is not shown. */
export function workEventText(event: WorkEvent, style: Style): string {
  switch (event.type) {
    case 'synced': {
      const { added, changed, rescored, returned, withdrawn } = event.result;
      const parts = Object.entries({ added, changed, rescored, returned, withdrawn }).flatMap(([what, ids]) =>
        ids.length === 0 ? [] : [`${ids.length} ${what}`],
      );
      return `read the registries: ${parts.join(', ')}\n`;
    }
    case 'engine-held':
      return `${style('warning', 'waiting')}: ${escapeTerminal(event.by)} works on the engine ${escapeTerminal(event.engine)}\n`;
    case 'not-resumed':
      return `${style('warning', 'interrupted runs were not finished')}: ${escapeTerminal(event.reason)}\n`;
    case 'claimed':
      return `${event.claim.name}: taken: ${escapeTerminal(event.claim.task.title)}\n`;
    case 'run': {
      const { id, outcome, instance, summary } = event.report;
      if (id === null) return '';
      return `run ${id}: ${outcome}: ${escapeTerminal(summary ?? instance ?? '')}\n`;
    }
    case 'recorded':
      return [
        ...event.results.changed.map((path) => `recorded in ${escapeTerminal(path)}\n`),
        ...event.results.refused.map(
          ({ path, reason }) =>
            `${style('warning', 'not recorded')} in ${escapeTerminal(path)}: ${escapeTerminal(reason)}\n`,
        ),
      ].join('');
    case 'settled': {
      const { claim, report, settled } = event;
      const [words, tone] = resultOf(report, settled);
      const notes = escapeTerminal((report.notes ?? '').replaceAll('\n', '; '));
      return `${claim.name}: ${style(tone, words)}${notes === '' ? '' : `: ${notes}`}\n`;
    }
    case 'progress':
      return '';
  }
}

function resultOf(report: Report | Release, settled: Settled): readonly [string, Tone] {
  if (!settled.accepted) return ['refused, since the claim has ended', 'error'];
  if (report.result === 'failed') return [`failed (${report.class ?? 'step-failed'}), now ${settled.state}`, 'error'];
  return report.result === 'done' ? ['done', 'good'] : ['released', 'warning'];
}

/** The event as a line of `--json`; undefined if it is not printed. */
export function workEventJson(event: WorkEvent): object | undefined {
  const { type } = event;
  switch (type) {
    case 'synced':
      return { type, ...event.result };
    case 'engine-held':
    case 'not-resumed':
      return event;
    case 'claimed':
      return { type, ...claimJson(event.claim) };
    case 'run':
      return { type, run: event.report };
    case 'recorded':
      return { type, ...event.results };
    case 'settled':
      return { type, claim: event.claim.name, ...event.report, ...event.settled };
    case 'progress':
      return undefined;
  }
}
