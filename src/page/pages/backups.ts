import { useState } from 'preact/hooks';
import type { Backup } from '../../backups/types.ts';
import type { BackupProof, BackupsView, ServiceView } from '../../service/types.ts';
import { lineChart } from '../charts/line.ts';
import { meter } from '../charts/interval.ts';
import { post } from '../client.ts';
import {
  action,
  ago,
  type Content,
  empty,
  facts,
  failed,
  foreign,
  html,
  panel,
  skeleton,
  state,
  table,
  time,
  type Tone,
} from '../elements.ts';
import { bytes, count, duration } from '../format.ts';
import { mayAsk, serverNow, useAnswer, useView } from '../live.ts';
import { frame, instanceLink } from '../routes.ts';

const dayMs = 86_400_000;
const shownDays = 14;

/** Days as `2026-11-30`, oldest first. */
export function daysUntil(now: number, days: number): readonly string[] {
  return Array.from({ length: days }, (_, index) =>
    new Date(now - (days - 1 - index) * dayMs).toISOString().slice(0, 10),
  );
}

/** The best backup of a day: the highest level proven, and a bad one only if there is no other. */
export function bestOf(backups: readonly Backup[]): Backup | undefined {
  const rank = ({ verdict, reached }: Backup) =>
    verdict === 'bad' ? -1 : reached === null ? 0 : 1 + Number(reached.slice(1));
  return backups.toSorted((a, b) => rank(b) - rank(a))[0];
}

const verdictTones: Readonly<Record<Backup['verdict'], Tone>> = { good: 'up', bad: 'down', unproven: 'unknown' };

interface Chosen {
  readonly engine: string;
  readonly instance: string;
  readonly day: string;
}

function cell(view: BackupsView, day: string, choose: (chosen: Chosen) => void, chosen: Chosen | null): Content {
  const { engine, instance } = view;
  const taken = view.backups.filter(({ createdAt }) => createdAt.startsWith(day));
  const best = bestOf(taken);
  if (best === undefined)
    return html`<td class="level none"><span aria-hidden="true">·</span><span class="hidden">none</span></td>`;
  const level = best.verdict === 'bad' ? 'bad' : (best.reached ?? 'new');
  const words =
    best.verdict === 'bad'
      ? 'cannot be restored'
      : best.reached === null
        ? 'not verified'
        : `proven up to ${best.reached}`;
  const pressed = chosen?.day === day && chosen.instance === instance && chosen.engine === engine;
  return html`<td class=${`level ${level}`}>
    <button
      type="button"
      aria-pressed=${pressed ? 'true' : 'false'}
      title=${`${day}: ${words}`}
      onClick=${() => choose({ engine, instance, day })}
    >
      <span aria-hidden="true">${level === 'bad' ? '✕' : level === 'new' ? '?' : level.slice(1)}</span
      ><span class="hidden">${words}</span>
    </button>
  </td>`;
}

function matrix(
  views: readonly BackupsView[],
  days: readonly string[],
  choose: (chosen: Chosen) => void,
  chosen: Chosen | null,
): Content {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Backups by instance and day">
    <table class="matrix">
      <caption class="hidden">
        The highest level proven of each day's backups
      </caption>
      <thead>
        <tr>
          <th scope="col">Instance</th>
          ${days.map((day) => html`<th scope="col" title=${day}><span class="hidden">${day.slice(0, 8)}</span>${day.slice(8)}</th>`)}
          <th scope="col">Now</th>
        </tr>
      </thead>
      <tbody>
        ${views.map(
          (view) =>
            html`<tr>
              <th scope="row">${instanceLink(view)}</th>
              ${days.map((day) => cell(view, day, choose, chosen))}
              <td class="verdict">
                ${state(view.verdict.verdict === 'good' ? 'up' : view.verdict.verdict === 'not-proven' ? 'unknown' : 'down', view.verdict.verdict.replace('-', ' '))}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const levels = [
  ['0', 'it is there'],
  ['1', 'its files are whole'],
  ['2', 'it can be read'],
  ['3', 'its manifest agrees'],
  ['4', 'it was restored'],
  ['5', 'its rows agree'],
  ['6', 'WAL was replayed'],
] as const;

function legend(): Content {
  return html`<p class="legend levels">
    ${levels.map(([level, meaning]) => html`<span><i class=${`level L${level}`}>${level}</i>${meaning}</span>`)}<span
      ><i class="level bad">✕</i>cannot be restored</span
    ><span><i class="level new">?</i>not verified</span>
  </p>`;
}

function chosenDay({
  chosen,
  view,
  may,
}: {
  readonly chosen: Chosen;
  readonly view: BackupsView | undefined;
  readonly may: boolean;
}): Content {
  const taken = (view?.backups ?? []).filter(({ createdAt }) => createdAt.startsWith(chosen.day));
  return panel(
    `${chosen.instance}, ${chosen.day}`,
    html`${taken.map(
      (one) =>
        html`<div class="backup">
          <p>${state(verdictTones[one.verdict], one.verdict)} <b>${foreign(one.name)}</b></p>
          ${facts([
            ['Taken', html`${time(one.createdAt)} UTC`],
            ['Size', `${bytes(one.bytes)} in ${count(one.files, 'file')}`],
            ['Level', one.reached ?? 'none'],
            ['Folder', html`<code><bdi>${one.folder}</bdi></code>`],
          ])}
          <ul class="lines">
            ${(one.verification?.checks ?? []).map(
              ({ level, result, says, at }) =>
                html`<li>
                  ${state(result === 'passed' ? 'up' : result === 'failed' ? 'down' : 'unknown', `${level} ${result}`)}<span
                    class="note grow"
                    >${foreign(says.join(' '))}</span
                  ><span class="note">${ago(at)}</span>
                </li>`,
            )}
          </ul>
          ${
            may
              ? action({
                  label: 'Verify again',
                  act: async () => {
                    await post('POST /backups/verify', [], { backup: one.ref, engine: chosen.engine });
                    return 'The verification has begun';
                  },
                })
              : null
          }
        </div>`,
    )}`,
    { id: 'chosen-day' },
  );
}

function drills(proofs: readonly BackupProof[]): Content {
  const timed = proofs
    .filter(({ restoreSeconds }) => restoreSeconds !== null)
    .toSorted((a, b) => a.at.localeCompare(b.at));
  const first = timed[0];
  const last = timed.at(-1);
  if (first === undefined || last === undefined || first === last)
    return empty(
      'Too few drills for a line.',
      'A drill restores the newest backup of each instance and measures how long that takes.',
    );
  const names = [...new Set(timed.map(({ instance }) => instance))].slice(0, 4);
  const styles = ['line', 'dashed', 'dotted', 'area'] as const;
  return lineChart({
    title: 'Seconds to restore',
    lines: names.map((name, index) => ({
      name,
      style: styles[index] ?? 'line',
      points: timed
        .filter(({ instance }) => instance === name)
        .map(({ at, restoreSeconds }) => ({ at, value: restoreSeconds })),
    })),
    from: Date.parse(first.at),
    to: Date.parse(last.at),
    write: (value) => duration(value),
  });
}

function targets(views: readonly BackupsView[], may: boolean): Content {
  return table(
    'Age of the newest good backup, and its last drill',
    ['Instance', 'Newest good backup', 'Why', 'Last drill', ...(may ? ['Take one'] : [])],
    views.map(({ engine, instance, verdict, lastDrill }) => [
      foreign(instance),
      verdict.ageHours === null
        ? state('down', 'none')
        : meter(verdict.ageHours, verdict.rpoHours, `${verdict.ageHours} h of ${verdict.rpoHours} h`),
      html`<span class="note">${foreign(verdict.reason)}</span>`,
      lastDrill === null
        ? html`<span class="note">never</span>`
        : html`${state(lastDrill.passed ? 'up' : 'down', lastDrill.passed ? `restored in ${duration(lastDrill.seconds)}` : 'failed')}
            <span class="note">${ago(lastDrill.at)}</span>`,
      ...(may
        ? [
            action({
              label: 'Back up now',
              act: async () => {
                await post('POST /backups', [], { instance, engine });
                return 'The backup has begun';
              },
            }),
          ]
        : []),
    ]),
  );
}

function lead({ jobs }: ServiceView, good: number, all: number): Content {
  const next = jobs.find(({ name }) => name === 'drill')?.nextAt ?? null;
  return html`${good} of ${count(all, 'instance')} could be restored from a proven
  backup${next === null ? null : html` · next drill ${time(next)} UTC`}`;
}

export function Backups(): Content {
  const { view, session } = useView();
  const { answer, failure, again } = useAnswer('GET /backups', { live: true });
  const [chosen, choose] = useState<Chosen | null>(null);
  if (answer === undefined) return frame('Backups', null, failure === undefined ? skeleton(8) : failed(failure, again));
  const views = answer.instances;
  if (views.length === 0)
    return frame(
      'Backups',
      'No backup is known',
      empty(
        'No instance has a backup folder.',
        html`Set <code>remediation.backups.folders</code>, or take one with <code>problems backups take</code>.`,
      ),
    );
  const good = views.filter(({ verdict }) => verdict.verdict === 'good').length;
  const may = mayAsk(session, view);
  const picked =
    chosen === null ? undefined : views.find((one) => one.engine === chosen.engine && one.instance === chosen.instance);
  return frame(
    'Backups',
    lead(view, good, views.length),
    html`${panel('Proven level by day', html`${matrix(views, daysUntil(serverNow(), shownDays), choose, chosen)}${legend()}`, { note: 'the last 14 days' })}
    ${chosen === null ? null : chosenDay({ chosen, view: picked, may })}
    ${panel('Against the target', targets(views, may))} ${panel('Drills', drills(answer.proofs))}`,
  );
}
