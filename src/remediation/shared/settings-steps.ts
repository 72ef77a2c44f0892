import { serviceOf } from '../../compose/project.ts';
import type { Container, RestartPolicy } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { SettingChanges } from '../../postgres/auto-conf.ts';
import { knownSetting } from '../../postgres/settings.ts';
import type { ReadonlyHost, Step, Verification } from '../contract.ts';
import type { ReadyResult } from './availability.ts';
import { recordsToKeep, restartPolicyOf, stopStep } from './recreate.ts';

export type Check = Verification['checks'][number];

/** Whether and how it answered. */
export function answerCheck({ instance, answer }: ReadyResult, name = 'it answers a query'): Check {
  if (answer === undefined) return { name, ok: false, seen: instance?.container.state.status ?? 'no container' };
  if (answer.ok) return { name, ok: true, seen: `yes, via ${answer.via}` };
  return { name, ok: false, seen: `${answer.sqlstate ?? ''} ${answer.message}`.trim() };
}

/** The result of a verification whose first query failed: `impossible` if the login was refused. */
export function withoutAnswer({ answer }: ReadyResult): 'impossible' | 'not-verified' {
  return answer?.ok === false && answer.sqlstate?.startsWith('28') === true ? 'impossible' : 'not-verified';
}

/** `expected`: from `pg_control`; null if there was no cluster yet. */
export function sameClusterCheck({ answer }: ReadyResult, expected: string | null): Check {
  const seen = answer?.ok === true ? (answer.rows[0]?.['system_identifier'] ?? '') : 'no answer';
  return {
    name: 'the same cluster (system_identifier)',
    ok: expected === null || seen === expected,
    seen: expected === null ? `${seen}, new` : seen,
  };
}

/**
 * An initdb on an instance that had data means a wrong mount: docs/engineering/data-directory.md#new-cluster.
 */
export async function notInitialisedCheck(
  { container }: Instance,
  hasHistory: boolean,
  host: ReadonlyHost,
): Promise<Check> {
  const initLine = 'PostgreSQL init process complete';
  const lines = await host.docker.logs(container.id, { since: container.state.startedAt, tail: 1_000 });
  const made = lines.some(({ text }) => text.includes(initLine));
  return {
    name: 'no new cluster was made',
    ok: !made || !hasHistory,
    seen: made ? initLine : 'no such line in the log',
  };
}

export function policyCheck(container: Container, wanted: RestartPolicy): Check {
  const seen = restartPolicyOf(container);
  const ok = seen.name === (wanted.name || 'no') && seen.maximumRetryCount === wanted.maximumRetryCount;
  return { name: 'the restart policy is as before', ok, seen: seen.name };
}

/** The container is what the files of its Compose project say, so that the next `up` changes nothing. */
export function composeCheck({ labels }: Container, hash: string): Check {
  const seen = serviceOf(labels)?.hash ?? 'no label';
  return {
    name: 'it is as its Compose files say',
    ok: seen === hash,
    seen: seen === hash ? 'the same config-hash' : `config-hash ${seen}`,
  };
}

/** The replaced container must neither run nor start again. */
export function asideCheck(old: Container | undefined): Check {
  const policy = old?.restartPolicy.name || 'no';
  return {
    name: 'the old container stays stopped',
    ok: old?.state.running === false && policy === 'no',
    seen: old === undefined ? 'it no longer exists' : `${old.state.status}, restart ${policy}`,
  };
}

/**
 * The steps that change settings: ALTER SYSTEM and a reload if all of them allow it, else stop, edit
 * `postgresql.auto.conf`, start. The edit comes between stop and start, so that undo is the same in reverse, and so that
 * a running server never has a file that it would only read after a crash. An instance that is down is edited and
 * started. `serves`, default true, is false for a container in a restart loop.
 */
export function settingSteps(
  instance: Instance,
  settings: SettingChanges,
  why: string,
  { serves = true }: { readonly serves?: boolean } = {},
): readonly Step[] {
  const { id, name, state } = instance.container;
  const { unchanged, alone } = recordsToKeep(instance, serves);
  const params = { instance: instance.name, settings };
  if (state.running && serves && !needsStart(settings))
    return [{ action: 'setting.alter', params, why, expects: [unchanged] }];
  return [
    ...(state.running ? [stopStep(instance, serves, [unchanged, alone])] : []),
    {
      action: 'setting.alter-stopped',
      params,
      why,
      expects: [{ check: 'container', ref: id, running: false, name }],
    },
    {
      action: 'container.start',
      params: { container: id },
      expects: [{ check: 'container', ref: id, running: false, name }],
    },
  ];
}

/** Whether any of the settings takes effect only at server start. */
export function needsStart(settings: SettingChanges): boolean {
  return Object.keys(settings).some((name) => knownSetting(name)?.applies === 'start');
}
