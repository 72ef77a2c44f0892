import { compareText } from '../../../util/compare.ts';
import { z } from 'zod';
import type { Backup } from '../../../backups/types.ts';
import type { Instance } from '../../../host/instance.ts';
import {
  type Detection,
  type Finding,
  findingId,
  type Plan,
  type ReadonlyHost,
  type Refusal,
  type Remediator,
  type Step,
  type Verification,
} from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { settingsOf } from '../../shared/server-settings.ts';

/** What a plan needs of a finding. */
export const details = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('take-wanted'), name: z.string(), drill: z.boolean() }),
  /** `<instance>/<name>` each. */
  z.strictObject({ kind: z.literal('expire-wanted'), refs: z.array(z.string()) }),
]);

export type RequestDetails = z.output<typeof details>;

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
  take: z
    .strictObject({ instance: z.string(), name: z.string(), drill: z.boolean() })
    .exactOptional()
    .describe('Set by `problems backups take`; do not set it in a config.'),
  /** `<instance>/<name>` each. */
  expire: z.array(z.string()).default([]).describe('Set by `problems backups expire`; do not set it in a config.'),
});

/** `remediation.settings.backup-request` of the config. */
export type RequestSettings = z.output<typeof settings>;

/** @throws ProblemsError `bad-config`: the settings do not fit. */
export function requestSettings(host: Pick<ReadonlyHost, 'settings'>): RequestSettings {
  return settingsOf(host, 'backup-request', settings);
}

const name = 'backup-request';

/** What people ask for by `problems backups`: it goes through plan, policy, lock and journal as every repair does. */
export const backupRequest: Remediator<RequestDetails, RequestExpected> = {
  name,
  description:
    'Backups that `problems backups take` and `problems backups expire` ask for. By itself it finds nothing.',
  details,
  expected,
  settings,
  matches: () => false,
  detect,
  plan,
  verify,
};

async function detect(host: ReadonlyHost): Promise<Detection<RequestDetails>> {
  const { take, expire } = requestSettings(host);
  const findings: Finding<RequestDetails>[] = [];
  if (take !== undefined) {
    const ref = `${take.instance}/${take.name}`;
    const there = await host.backups.read(ref);
    if (there === undefined || there.state === 'running')
      findings.push(
        wanted(
          take.instance,
          `The backup ${ref} is to be taken.`,
          { kind: 'take-wanted', name: take.name, drill: take.drill },
          take.name,
        ),
      );
  }
  const standing: string[] = [];
  for (const ref of expire) if ((await host.backups.read(ref)) !== undefined) standing.push(ref);
  for (const instance of new Set(standing.map(instanceOf))) {
    const refs = standing.filter((ref) => instanceOf(ref) === instance);
    findings.push(
      wanted(instance, `${refs.join(', ')} ${refs.length === 1 ? 'is' : 'are'} to be removed.`, {
        kind: 'expire-wanted',
        refs,
      }),
    );
  }
  return { findings, notLookedAt: [] };
}

function wanted(instance: string, summary: string, about: RequestDetails, subject?: string): Finding<RequestDetails> {
  return {
    id: findingId(name, instance, about.kind, subject),
    remediator: name,
    instance,
    kind: about.kind,
    summary,
    risk: 'safe',
    evidence: [],
    details: about,
    problem: null,
  };
}

async function plan(finding: Finding<RequestDetails>, host: ReadonlyHost): Promise<Plan<RequestExpected> | Refusal> {
  const instance = await host.instance(finding.instance);
  return finding.details.kind === 'take-wanted'
    ? planTaking(finding, finding.details, instance)
    : planExpiring(finding, finding.details.refs, instance);
}

function planTaking(
  finding: Finding<RequestDetails>,
  { name: backup, drill }: { readonly name: string; readonly drill: boolean },
  instance: Instance | undefined,
): Plan<RequestExpected> | Refusal {
  if (instance === undefined)
    return refusal(`There is no instance ${finding.instance}.`, '`docker ps -a` shows the containers.');
  if (!instance.container.state.running)
    return refusal(`${instance.name} does not run: only a running server can be backed up.`, 'Start it first.');
  const ref = `${instance.name}/${backup}`;
  const prove: Step = {
    action: 'backup.prove',
    params: { ref, level: 'L4', upTo: 'L5' },
    why: 'Only what was restored once is known to restore.',
  };
  return {
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
    undo: 'What was newly taken stays.',
    expected: { kind: 'taken', ref, level: drill ? 'L4' : 'L3' },
  };
}

/** Out of sight first, which can be undone; gone only when that has gone well. */
function planExpiring(
  finding: Finding<RequestDetails>,
  refs: readonly string[],
  instance: Instance | undefined,
): Plan<RequestExpected> {
  return {
    ...common(finding, instance),
    summary: `Remove ${refs.join(', ')}.`,
    steps: refs.map((ref) => ({ action: 'backup.expire', params: { ref } })),
    cleanup: refs.map((ref) => ({ action: 'backup.remove', params: { ref } })),
    unpredictable: [],
    undo: 'Until the last moment the backups come back to their places. Once removed they are gone.',
    expected: { kind: 'expired', refs: [...refs] },
  };
}

function common(finding: Finding<RequestDetails>, instance: Instance | undefined) {
  return {
    type: 'plan',
    remediator: name,
    finding,
    target: {
      instance: finding.instance,
      container: instance?.container.id ?? '',
      volumes: [instance?.volumeKey ?? `backups/${finding.instance}`],
    },
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: 'The server goes on.' },
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
