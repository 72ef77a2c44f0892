import { compareText } from '../../util/compare.ts';
import { z } from 'zod';
import { type Backup, holdsServerFiles } from '../../backups/types.ts';
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
import { roomForLocks } from './dump-locks.ts';
import { settingsOf } from '../shared/server-settings.ts';

/** What must be true after the run. */
export const expected = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('taken'), ref: z.string(), level: z.enum(['L3', 'L4']) }),
  z.strictObject({ kind: z.literal('expired'), refs: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('put-back'), ref: z.string() }),
]);

export type RequestExpected = z.output<typeof expected>;

const settings = z.strictObject({
  keepDays: z.number().nonnegative().default(7).describe('How long a backup is kept, in days.'),
  quarantineDays: z.number().nonnegative().default(30).describe('How long a quarantined backup is kept, in days.'),
  keepGood: z.int().min(2).default(2).describe('How many of the newest good backups of an instance are never removed.'),
});

/** `remediation.settings.backup-request` of the config. */
export type RequestSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: invalid settings. */
export function requestSettings(host: Pick<ReadonlyHost, 'settings'>): RequestSettings {
  return settingsOf(host, 'backup-request', settings);
}

const name = 'backup-request';

/** Verifies backups that were taken or removed on request: see `planBackup` and `planExpiry`. */
export const backupRequest: Verifier<RequestExpected> = {
  name,
  description:
    'Takes, removes and puts back backups on request: `problems backups take`, `problems backups expire` and `problems backups put-back`.',
  expected,
  settings,
  verify,
};

export interface BackupRequest {
  readonly instance: string;
  /** Name of the new backup: `20260301_031000`. */
  readonly backup: string;
  /** Whether to prove the backup by restoring a copy. */
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
      plan: refusal(`There is no instance ${request.instance}.`, 'List the containers with: docker ps -a'),
    };
  if (!instance.container.state.running)
    return {
      finding,
      plan: refusal(
        `${instance.name} is not running; only a running server can be backed up.`,
        `Run: docker start ${instance.container.name}`,
      ),
    };
  const room = await roomForLocks(instance, host);
  if ('type' in room) return { finding, plan: room };
  const prove: Step = {
    action: 'backup.prove',
    params: { ref, level: 'L4', upTo: 'L5' },
    why: 'Only a test restore proves that a backup can be restored.',
  };
  const plan: Plan<RequestExpected> = {
    ...common(finding, instance),
    summary: `Take the backup ${ref}${drill ? ' and prove it by restoring a copy' : ''}.`,
    done: `backup ${ref} taken${drill ? ' and proven by restoring a copy' : ''}`,
    steps: [
      ...room,
      {
        action: 'backup.take',
        params: { instance: instance.name, name: backup },
        expects: [{ check: 'container', ref: instance.container.id, running: true }],
      },
      ...(drill ? [prove] : []),
    ],
    cleanup: [],
    unpredictable: ['How long it takes. Restoring takes about three times as long as taking the backup.'],
    undo: 'A finished backup is kept.',
    ...(room.length === 0
      ? {}
      : {
          risk: 'restart',
          downtime: { seconds: 5, why: 'The server restarts, since it has too little room for the locks of pg_dump.' },
          undo: 'The server is stopped, its old setting is restored, and it is started. A finished backup is kept.',
        }),
    expected: { kind: 'taken', ref, level: drill ? 'L4' : 'L3' },
  };
  return { finding, plan };
}

/**
 * Plans the removal of backups (`<instance>/<name>`), one request for each instance. Backups that no longer exist are
 * skipped.
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

/** Plans to move a quarantined backup (`<instance>/<name>`) back among the others. */
export async function planPutBack(ref: string, host: ReadonlyHost): Promise<RequestedWork> {
  const instance = instanceOf(ref);
  const finding = requestFinding(instance, 'put-back-wanted', `Put ${ref} back.`, { ref }, ref.split('/')[1]);
  const found = (await host.backups.list(instance)).backups.filter((backup) => backup.ref === ref);
  if (!found.some(({ state }) => state === 'quarantined'))
    return {
      finding,
      plan: refusal(`${ref} is not quarantined.`, `List the backups with: problems backups ${instance}`),
    };
  if (found.length > 1)
    return {
      finding,
      plan: refusal(
        `Another backup has the name ${ref}, and nothing is overwritten.`,
        'Rename the folder of one of them, and try again.',
      ),
    };
  const plan: Plan<RequestExpected> = {
    ...common(finding, await host.instance(instance)),
    summary: `Put the quarantined backup ${ref} back among the others.`,
    done: `${ref} put back; it is not proven until it is verified`,
    steps: [{ action: 'backup.release', params: { ref } }],
    cleanup: [],
    unpredictable: [],
    undo: 'The backup is set aside again. Its checks have to be made again.',
    expected: { kind: 'put-back', ref },
  };
  return { finding, plan };
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

/** First moves the backups away, which can be undone; deletes them only after that has succeeded. */
function expiryPlan(finding: Finding, refs: readonly string[], instance: Instance | undefined): Plan<RequestExpected> {
  return {
    ...common(finding, instance),
    summary: `Remove ${refs.join(', ')}.`,
    done: `${refs.join(', ')} removed`,
    steps: refs.map((ref) => ({ action: 'backup.expire', params: { ref } })),
    cleanup: refs.map((ref) => ({ action: 'backup.remove', params: { ref } })),
    unpredictable: [],
    undo: 'The backups are moved back. Once the last step has deleted them, they cannot be restored.',
    expected: { kind: 'expired', refs: [...refs] },
  };
}

function common(finding: Finding, instance: Instance | undefined) {
  return {
    type: 'plan',
    remediator: name,
    requested: true,
    final: true,
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
  if (must.kind === 'put-back') {
    const isBack = backup !== undefined && backup.state !== 'quarantined';
    return result([{ name: 'among the backups again', ok: isBack, seen: backup?.state ?? 'nothing' }]);
  }
  const reached = backup?.reached ?? null;
  // L3 compares a base backup with its manifest: dumps alone end at L2, and a drill takes them to L4.
  const hasBase = backup?.parts.some(({ kind }) => holdsServerFiles(kind)) === true;
  const level = must.level === 'L3' && !hasBase ? 'L2' : must.level;
  return result([
    { name: 'the backup lies there', ok: backup?.state === 'complete', seen: backup?.state ?? 'nothing' },
    {
      name: `it has reached ${level}`,
      ok: backup !== undefined && backup.verdict !== 'bad' && reached !== null && reached >= level,
      seen: reached ?? 'nothing',
    },
    {
      name: 'what it holds',
      ok: true,
      seen: [[...new Set(backup?.parts.map(({ kind }) => kind))].join(', '), ...(backup?.notes ?? [])].join('. '),
    },
  ]);
}

function result(checks: Verification['checks']): Verification {
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', checks };
}

function instanceOf(ref: string): string {
  return ref.split('/')[0] ?? '';
}

/** Whether a backup may be removed, and why. */
export interface Retained {
  readonly backup: Backup;
  readonly expires: boolean;
  readonly why: string;
}

const day = 86_400_000;

/**
 * Retention for the backups of one instance: docs/engineering/backups.md#retention. Removes nothing during an incident,
 * and never leaves fewer than `keepGood` good backups. The newest good backup from before the retention period is kept,
 * so that every day of the period can be restored.
 */
export function retention(
  backups: readonly Backup[],
  { keepDays, quarantineDays, keepGood }: Pick<RequestSettings, 'keepDays' | 'quarantineDays' | 'keepGood'>,
  /** Why nothing may be removed; undefined if there is no incident. */
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
    if (incident !== undefined) return keep(`nothing is removed during an incident: ${incident}`);
    if (state === 'running') return keep('it is being taken, or was never finished');
    if (kept.some((one) => one.ref === ref && one.folder === backup.folder))
      return keep(`one of the ${keepGood} newest good backups`);
    if (backups.some((one) => one.ref === ref && one.folder !== backup.folder))
      return keep('another backup has the same name; choose one yourself');
    if (oldestKept === undefined || kept.length < keepGood)
      return keep(`good backups: ${kept.length}; at least ${keepGood} must be kept`);
    if (state === 'quarantined') {
      const aside = quarantine === null || quarantine.at === '' ? 0 : ageOf(quarantine.at, now);
      return aside > quarantineDays
        ? expirable(`quarantined ${days(aside)} ago`)
        : keep(`quarantined ${days(aside)} ago; kept for ${quarantineDays}`);
    }
    if (age <= keepDays) return keep(`${days(age)} old; kept for ${keepDays}`);
    if (createdAt >= oldestKept.createdAt) return keep('newer than the good backups that are kept');
    if (reachesBack?.folder === backup.folder)
      return keep(`the newest good backup from before the last ${keepDays} days`);
    return expirable(`${days(age)} old, with ${kept.length} newer good backups`);
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
