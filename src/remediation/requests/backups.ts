import { compareText } from '../../util/compare.ts';
import { z } from 'zod';
import type { Backup } from '../../backups/types.ts';
import type { Instance } from '../../host/instance.ts';
import {
  type Finding,
  findingId,
  type Plan,
  type ReadonlyHost,
  type RequestedWork,
  type Step,
  type Verification,
  type Verifier,
} from '../contract.ts';
import type { Json } from '../../util/json.ts';
import { refusal } from '../shared/for-each-instance.ts';
import { settingsOf } from '../shared/server-settings.ts';

/** What must be true afterwards. */
export const expected = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('taken'), ref: z.string(), level: z.enum(['L3', 'L4']) }),
  z.strictObject({ kind: z.literal('expired'), refs: z.array(z.string()) }),
]);

export type RequestExpected = z.output<typeof expected>;

const settings = z.strictObject({
  keepDays: z.number().nonnegative().default(7).describe('How long a backup is kept, in days.'),
  quarantineDays: z.number().nonnegative().default(30).describe('How long a quarantined backup is kept, in days.'),
  keepGood: z.int().min(2).default(2).describe('How many of the newest good backups of an instance are never removed.'),
});

/** `remediation.settings.backup-request` of the config. */
export type RequestSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function requestSettings(host: Pick<ReadonlyHost, 'settings'>): RequestSettings {
  return settingsOf(host, 'backup-request', settings);
}

const name = 'backup-request';

/** Judges backups that were taken and removed on request: see `planBackup` and `planExpiry`. */
export const backupRequest: Verifier<RequestExpected> = {
  name,
  description: 'Takes and removes backups on request: `problems backups take` and `problems backups expire`.',
  expected,
  settings,
  verify,
};

export interface BackupRequest {
  readonly instance: string;
  /** Name of the new backup: `20260301_031000`. */
  readonly backup: string;
  /** Whether it is proved by restoring a copy. */
  readonly drill: boolean;
}

/** Plans a new backup of a running instance. */
export async function planBackup(request: BackupRequest, host: ReadonlyHost): Promise<RequestedWork> {
  const { backup, drill } = request;
  const ref = `${request.instance}/${backup}`;
  const finding = requestFinding(
    request.instance,
    'take-wanted',
    `Take the backup ${ref}.`,
    { name: backup, drill },
    backup,
  );
  const instance = await host.instance(request.instance);
  if (instance === undefined)
    return {
      finding,
      plan: refusal(`There is no instance ${request.instance}.`, 'docker ps -a lists the containers.'),
    };
  if (!instance.container.state.running)
    return {
      finding,
      plan: refusal(`${instance.name} is not running; only a running server can be backed up.`, 'Start it first.'),
    };
  const prove: Step = {
    action: 'backup.prove',
    params: { ref, level: 'L4', upTo: 'L5' },
    why: 'Only a backup that has been restored once is known to restore.',
  };
  const plan: Plan<RequestExpected> = {
    ...common(finding, instance),
    summary: `Take the backup ${ref}${drill ? ' and prove it by restoring a copy' : ''}.`,
    steps: [
      {
        action: 'backup.take',
        params: { instance: instance.name, name: backup },
        expects: [{ check: 'container', ref: instance.container.id, running: true }],
      },
      ...(drill ? [prove] : []),
    ],
    cleanup: [],
    unpredictable: ['How long taking and restoring lasts: about three times as long to restore as to take.'],
    undo: 'A backup that was taken stays.',
    expected: { kind: 'taken', ref, level: drill ? 'L4' : 'L3' },
  };
  return { finding, plan };
}

/**
 * Plans the removal of backups (`<instance>/<name>`), one piece of work for each instance. Those that no longer exist are
 * left out.
 */
export async function planExpiry(refs: readonly string[], host: ReadonlyHost): Promise<readonly RequestedWork[]> {
  const existing: string[] = [];
  for (const ref of refs) if ((await host.backups.read(ref)) !== undefined) existing.push(ref);
  const work: RequestedWork[] = [];
  for (const instance of new Set(existing.map(instanceOf))) {
    const own = existing.filter((ref) => instanceOf(ref) === instance);
    const finding = requestFinding(instance, 'expire-wanted', `Remove ${own.join(', ')}.`, { refs: own });
    work.push({ finding, plan: expiryPlan(finding, own, await host.instance(instance)) });
  }
  return work;
}

function requestFinding(instance: string, kind: string, summary: string, details: Json, subject?: string): Finding {
  return {
    id: findingId(name, instance, kind, subject),
    remediator: name,
    instance,
    kind,
    summary,
    risk: 'safe',
    evidence: [],
    details,
    problem: null,
  };
}

/** Moves the backups out of sight first, which can be undone; deletes them only after that has succeeded. */
function expiryPlan(finding: Finding, refs: readonly string[], instance: Instance | undefined): Plan<RequestExpected> {
  return {
    ...common(finding, instance),
    summary: `Remove ${refs.join(', ')}.`,
    steps: refs.map((ref) => ({ action: 'backup.expire', params: { ref } })),
    cleanup: refs.map((ref) => ({ action: 'backup.remove', params: { ref } })),
    unpredictable: [],
    undo: 'The backups are put back until they are deleted, which is the last step.',
    expected: { kind: 'expired', refs: [...refs] },
  };
}

function common(finding: Finding, instance: Instance | undefined) {
  return {
    type: 'plan',
    remediator: name,
    requested: true,
    finding,
    target: {
      instance: finding.instance,
      container: instance?.container.id ?? '',
      volumes: [instance?.volumeKey ?? `backups/${finding.instance}`],
    },
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: 'The server keeps running.' },
  } as const;
}

async function verify({ expected: must }: Plan<RequestExpected>, host: ReadonlyHost): Promise<Verification> {
  if (must.kind === 'expired') {
    const left: string[] = [];
    for (const ref of must.refs) if ((await host.backups.read(ref)) !== undefined) left.push(ref);
    return result([
      { name: 'no longer among the backups', ok: left.length === 0, seen: left.join(', ') || 'none of them' },
    ]);
  }
  const backup = await host.backups.read(must.ref);
  const reached = backup?.reached ?? null;
  return result([
    { name: 'the backup lies there', ok: backup?.state === 'complete', seen: backup?.state ?? 'nothing' },
    {
      name: `it has reached ${must.level}`,
      ok: backup !== undefined && backup.verdict !== 'bad' && reached !== null && reached >= must.level,
      seen: reached ?? 'nothing',
    },
  ]);
}

function result(checks: Verification['checks']): Verification {
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', checks };
}

function instanceOf(ref: string): string {
  return ref.split('/')[0] ?? '';
}

/** Whether a backup may go, and why, in a sentence. */
export interface Retained {
  readonly backup: Backup;
  readonly expires: boolean;
  readonly why: string;
}

const day = 86_400_000;

/**
 * docs/engineering/backups.md#retention, for the backups of one instance. Nothing goes while fewer than `keepGood` good
 * ones would be left, nor in an incident; the newest good one from before the window stays, so that each day of the
 * window can be reached.
 */
export function retention(
  backups: readonly Backup[],
  { keepDays, quarantineDays, keepGood }: Pick<RequestSettings, 'keepDays' | 'quarantineDays' | 'keepGood'>,
  /** Why the instance is frozen; undefined: it is not. */
  incident: string | undefined,
  now: Date,
): readonly Retained[] {
  const newestFirst = [...backups].sort((a, b) => compareText(b.createdAt, a.createdAt));
  const good = newestFirst.filter(({ state, verdict }) => state === 'complete' && verdict === 'good');
  const kept = good.slice(0, keepGood);
  const oldestKept = kept.at(-1);
  const reachesBack = good.find(({ createdAt }) => ageOf(createdAt, now) > keepDays);
  function decide(backup: Backup): Omit<Retained, 'backup'> {
    const { state, createdAt, quarantine, ref } = backup;
    const age = ageOf(createdAt, now);
    if (incident !== undefined) return keep(`nothing goes in an incident: ${incident}`);
    if (state === 'running') return keep('it is being taken, or was given up');
    if (kept.some((one) => one.ref === ref && one.folder === backup.folder))
      return keep(`one of the ${keepGood} newest good ones`);
    if (backups.some((one) => one.ref === ref && one.folder !== backup.folder))
      return keep('there is another backup of that name: a person must say which of them');
    if (oldestKept === undefined || kept.length < keepGood)
      return keep(`there are ${kept.length} good backups, and ${keepGood} must be left`);
    if (state === 'quarantined') {
      const aside = quarantine === null || quarantine.at === '' ? 0 : ageOf(quarantine.at, now);
      return aside > quarantineDays
        ? expirable(`it was set aside ${days(aside)} ago`)
        : keep(`it was set aside ${days(aside)} ago, and is kept for ${quarantineDays}`);
    }
    if (age <= keepDays) return keep(`it is ${days(age)} old, and is kept for ${keepDays}`);
    if (createdAt >= oldestKept.createdAt) return keep('it is newer than the good ones that are kept');
    if (reachesBack?.folder === backup.folder) return keep(`the newest good one from before the last ${keepDays} days`);
    return expirable(`it is ${days(age)} old, and there are ${kept.length} newer good ones`);
  }
  return newestFirst.map((backup) => ({ backup, ...decide(backup) }));
}

function keep(why: string): Omit<Retained, 'backup'> {
  return { expires: false, why };
}

function expirable(why: string): Omit<Retained, 'backup'> {
  return { expires: true, why };
}

function ageOf(at: string, now: Date): number {
  return (now.getTime() - Date.parse(at)) / day;
}

function days(count: number): string {
  const whole = Math.floor(count);
  return `${whole} day${whole === 1 ? '' : 's'}`;
}
