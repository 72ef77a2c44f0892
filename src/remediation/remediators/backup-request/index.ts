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
import { refusal } from '../../instances/refusal.ts';
import { details, expected, type RequestDetails, type RequestExpected } from './details.ts';
import { requestSettings } from './settings.ts';

export { retention, type Retained } from './retention.ts';

export { requestSettings } from './settings.ts';

const name = 'backup-request';

/** What people ask for by `problems backups`: it goes through plan, policy, lock and journal as every repair does. */
export const backupRequest: Remediator<RequestDetails, RequestExpected> = {
  name,
  description:
    'Backups that `problems backups take` and `problems backups expire` ask for. By itself it finds nothing.',
  details,
  expected,
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
    unpredictable: [
      'How long taking and restoring lasts: about three times as long to restore as to take (PGOPS §3.6).',
    ],
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
