import type { FleetRecommendation, LimitRecommendation } from '../../app/remediation.ts';
import { escapeTerminal, type Style } from '../escape-terminal.ts';
import type { Table } from '../table.ts';
import { size } from './tuning.ts';

/** One row for each instance: its limit, the proposed one, and why. */
export function recommendationTable({ instances }: FleetRecommendation): Table {
  return {
    columns: [
      { title: 'INSTANCE' },
      { title: 'LIMIT', align: 'right' },
      { title: 'RECOMMENDED', align: 'right' },
      { title: 'DAYS SEEN', align: 'right' },
      { title: 'DAYS ABOVE', align: 'right' },
      { title: 'WHY', wraps: 'words' },
    ],
    rows: instances.map((one) => [
      one.instance,
      one.limit === 0 ? 'none' : size(one.limit),
      one.recommended === null ? 'as it is' : size(one.recommended),
      String(one.days),
      daysAbove(one),
      one.reasons.join('; '),
    ]),
  };
}

/** `12 % → 0.1 %`: how often a day exceeds the present limit, and the recommended one. */
function daysAbove({ exceeds }: LimitRecommendation): string {
  if (exceeds === null) return '';
  return exceeds.present === null
    ? percent(exceeds.recommended)
    : `${percent(exceeds.present)} → ${percent(exceeds.recommended)}`;
}

/** What is left, and how a limit is changed. */
export function recommendationFoot({ instances, left }: FleetRecommendation, style: Style): string {
  const changed = instances.find(({ recommended, limit }) => recommended !== null && recommended !== limit);
  const rest =
    left >= 0
      ? `${style('good', `${size(left)} of the machine’s budget are left`)} with these limits.`
      : `${style('error', `The machine has ${size(-left)} too little`)} for these limits.`;
  const how =
    changed === undefined
      ? []
      : [
          `This is a proposal. For ${escapeTerminal(changed.instance)}: docker update --memory ${changed.recommended} --memory-swap ${changed.recommended} ${escapeTerminal(changed.container)}; a Compose file needs the same limit.`,
        ];
  return `${[rest, ...how].join('\n')}\n`;
}

/** `12 %`, `0.3 %`, `under 0.1 %`. */
function percent(share: number): string {
  if (share > 0 && share < 0.001) return 'under 0.1 %';
  return `${share < 0.1 ? Math.round(share * 1000) / 10 : Math.round(share * 100)} %`;
}
