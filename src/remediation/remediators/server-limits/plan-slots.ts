import { readableSize } from '../../../postgres/tuning/index.ts';
import { quoteLiteral } from '../../../util/quote.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { settingSteps } from '../../shared/settings-steps.ts';
import { observe } from './observe.ts';
import type { LimitDetails, LimitExpected, ServerState } from './types.ts';

type Details = Extract<LimitDetails, { kind: 'slot-keeps-wal' }>;

/** Less room than this is left to an operator, in bytes. */
const leastRoom = 512 * 2 ** 20;

/** What the setting may be at most, in MiB. */
const mostMiB = 4_096 * 1_024;

/** A reader that left less than this many seconds ago may only restart. */
const restartSeconds = 3_600;

/** Bounds what slots may keep while the disk has room for that; else drops those that nothing reads. */
export async function planForSlots(
  finding: Finding<LimitDetails>,
  details: Details,
  host: ReadonlyHost,
): Promise<Plan<LimitExpected> | Refusal> {
  const instance = await host.instance(finding.instance);
  const space = instance === undefined ? undefined : await host.probes.dataSpace(instance).catch(() => undefined);
  const unknown = `Whether the readers of the slots of ${finding.instance} come back is not known here.`;
  if (instance === undefined || space === undefined) return refusal(unknown, byHand(details.slots));
  if (space.free / 2 < leastRoom) return planDrop(finding, details, instance, host);
  if (instance.dataMount === undefined) return refusal(unknown, byHand(details.slots));
  return planBound(finding, details, instance, space.free);
}

function byHand(slots: readonly string[]): string {
  return `If they are gone for good: ${dropsOf(slots)}. To bound what any slot can keep: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB', then SELECT pg_reload_conf(). Never delete files in pg_wal.`;
}

function dropsOf(slots: readonly string[]): string {
  return slots.map((slot) => `SELECT pg_drop_replication_slot(${quoteLiteral(slot)})`).join('; ');
}

function planBound(
  finding: Finding<LimitDetails>,
  { slots, kept }: Details,
  instance: Instance,
  free: number,
): Plan<LimitExpected> {
  const keepLimit = `${Math.min(mostMiB, Math.floor((kept + free / 2) / 2 ** 20))}MB`;
  return {
    ...planOn(finding, instance),
    risk: 'data',
    summary: `Bound what a replication slot of ${instance.name} can keep to ${keepLimit}, so that WAL cannot fill the disk.`,
    done: `a slot of ${instance.name} can keep at most ${keepLimit}`,
    steps: settingSteps(
      instance,
      { max_slot_wal_keep_size: keepLimit },
      'It is what the slot keeps today and half of the free space, so nothing is lost now.',
    ),
    approval: 'a reader that falls further behind than this cannot go on, and a standby must be built again then',
    downtime: { seconds: 0, why: 'a reload is enough' },
    unpredictable: [`If the readers are gone for good, drop their slots instead: ${dropsOf(slots)}.`],
    undo: 'Puts the old limit back.',
    expected: { keepLimit },
  };
}

async function planDrop(
  finding: Finding<LimitDetails>,
  { slots: planned }: Details,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<LimitExpected> | Refusal> {
  const state = await observe(instance, host);
  const slots = (state?.slots ?? []).filter(({ name, active }) => planned.includes(name) && !active);
  if (slots.length !== planned.length)
    return refusal(`${instance.name} has changed since it was checked.`, 'Run `problems detect` again.');
  const young = slots.find(({ unusedFor }) => unusedFor !== null && unusedFor < restartSeconds);
  if (young !== undefined)
    return refusal(
      `The reader of the slot ${young.name} left ${Math.floor((young.unusedFor ?? 0) / 60)} minutes ago, so it may only restart, and too little of the disk is free to bound what it keeps.`,
      `Start the reader again. ${byHand(planned)}`,
    );
  const dropped = slots.map(({ name }) => name);
  const kept = Math.max(...slots.map((slot) => slot.kept ?? 0));
  const words = slots.length === 1 ? `the replication slot ${dropped.join('')}` : `the slots ${dropped.join(', ')}`;
  return {
    ...planOn(finding, instance),
    risk: 'data',
    summary: `Drop ${words} of ${instance.name}, which nothing reads, so that PostgreSQL can remove up to ${readableSize(kept)} of WAL.`,
    done: `${words} of ${instance.name} dropped`,
    steps: slots.map(({ name, type, begins }) => ({
      action: 'slot.drop',
      params: { instance: instance.name, slot: name, type, begins: begins ?? '' },
      why: 'Too little of the disk is free to bound what it keeps.',
      expects: [{ check: 'container', ref: instance.container.id, running: true }] as const,
    })),
    approval: slots.map(lossOf).join('; '),
    downtime: { seconds: 0, why: 'the server goes on' },
    unpredictable: [
      'PostgreSQL removes the WAL at its next checkpoint, so the room comes back within checkpoint_timeout (5 minutes by default).',
    ],
    undo: 'A physical slot is made again, but keeps only WAL from then on: its standby must be built again if it has fallen behind. A logical slot is not made again, since its subscriber would miss changes without an error: copy the tables again there.',
    expected: { dropped },
  };
}

function lossOf({ name, type }: ServerState['slots'][number]): string {
  return type === 'physical'
    ? `a standby that still uses ${name} must be built again`
    : `a subscriber that still uses ${name} must copy its tables again`;
}
