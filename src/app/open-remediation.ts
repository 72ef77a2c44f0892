import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ProblemsError } from '../errors.ts';
import type { EngineChoice } from '../host/docker/address.ts';
import { openHost } from './open-host.ts';
import { actions as builtInActions } from '../remediation/actions/index.ts';
import { readRemediationConfig, type RemediationConfig } from '../remediation/config.ts';
import type { OpenHost, Remediator } from '../remediation/contract.ts';
import type { KnownProblem } from '../remediation/engine/record-for.ts';
import type { CallOptions } from '../remediation/events.ts';
import type { PolicySettings } from '../remediation/engine/plan.ts';
import { contextOfCall, type EngineContext, openEngineContext } from '../remediation/engine/session.ts';
import { remediators as builtInRemediators } from '../remediation/remediators/index.ts';
import { verifiers } from '../remediation/requests/index.ts';
import type { Registry } from '../registry/registry.ts';
import type { TriageSettings } from '../tasks/index.ts';
import { problemsOf, withTriage } from './known-problems.ts';
import { loadPlugins } from './plugins.ts';
import { findStateFile } from './state-file.ts';
import type { AuditBreak, Store } from '../remediation/store/store.ts';
import { openSqliteStore } from '../remediation/store/sqlite/store.ts';

function patternOf({ containers }: RemediationConfig): RegExp | undefined {
  if (containers === undefined) return undefined;
  try {
    return new RegExp(containers);
  } catch (cause) {
    throw new ProblemsError('bad-config', `remediation.containers: ${containers} is not a valid regular expression.`, {
      cause,
    });
  }
}

/** How many of the newest entries of the audit log are checked whenever the state file is opened: a few milliseconds. */
const checkedAtOpening = 1_000;

/** Why everything is paused: `pause` in the config, or a file `paused` in the state file's folder. */
export function pauseOf(config: RemediationConfig, stateFile: string): string | undefined {
  if (config.pause !== undefined) return config.pause;
  const file = join(stateFile, '..', 'paused');
  return existsSync(file) ? `the file ${file} exists` : undefined;
}

export interface RemediationOptions {
  /** The project's folder: files are read and edited below it. Absolute. */
  readonly folder: string;
  /** The section `remediation` of the config, as the file states it. */
  readonly config?: unknown;
  /** That file, as error messages name it. */
  readonly configFile?: string | undefined;
  /** Modules with further remediators and actions: package names, or paths within the folder. */
  readonly plugins?: readonly string[];
  /** The section `triage` of the config, for `registries` and records without a triage. Default: it says nothing. */
  readonly triage?: TriageSettings | undefined;
  /** Names of instances. Default: all. */
  readonly instances?: readonly string[];
  readonly now?: () => Date;
  /** For tests: called between any two writes of the journal. */
  readonly atPoint?: (name: string) => void | Promise<void>;
  /** How long a run waits for an engine that does not answer. Default 60,000. */
  readonly patienceMs?: number;
  /** Do not create the state file. */
  readonly onlyLooking?: true;
  /** Default: the engine that the environment names. */
  readonly engine?: EngineChoice;
  /** Instead of this machine's host. */
  readonly host?: OpenHost;
  /** Instead of the state file, which `config` or PROBLEMS_STATE can name: a journal, locks, leases and suspensions stored elsewhere. */
  readonly store?: Store;
  /** Instead of the built-in ones. */
  readonly remediators?: readonly Remediator[];
}

/** One opened state file, engine and configuration, for any number of calls. */
export interface Remediation {
  readonly session: EngineContext;
  readonly config: RemediationConfig;
  readonly problems: readonly KnownProblem[];
  readonly triage: TriageSettings;
  readonly policy: PolicySettings;
  readonly folder: string;
  /** Where the newest entries of the audit log are not as they were written. `verifyAuditLog` checks all. */
  readonly brokenLog: AuditBreak | undefined;
  /** Absolute. Escalation reports and the file that pauses everything are beside it. */
  readonly stateFile: string;
  /** A state file in the project's folder that is not used, since no config names it. */
  readonly unusedState: string | undefined;
  /** Whether the journal is that of an engine, or of a file that was named. False if no engine ever answered at the address. */
  readonly hasJournal: boolean;
  /** Names of the requested instances; undefined: all. */
  readonly instances: readonly string[] | undefined;
  close(): void;
}

/**
 * @throws ProblemsError `bad-config`, `state-damaged`, `state-locked`, `state-unwritable`. The first call that
 * needs the engine connects to it.
 */
export async function openRemediation(options: RemediationOptions): Promise<Remediation> {
  const { folder } = options;
  const { operations, ...parts } = await loadPlugins(options.plugins ?? [], folder, {
    remediators: options.remediators ?? builtInRemediators,
    actions: builtInActions,
  });
  const config = readRemediationConfig(options.config ?? {}, {
    remediators: [...parts.remediators, ...verifiers],
    operations,
    file: options.configFile,
  });
  const pattern = patternOf(config);
  const host =
    options.host ??
    openHost({
      roots: [folder, ...config.roots.map((root) => resolve(folder, root))],
      instanceFolders: config.instanceFolders.map((parent) => resolve(folder, parent)),
      backupFolders: config.backupFolders.map((parent) => resolve(folder, parent)),
      compose: config.compose,
      backupKeys: Object.fromEntries(
        Object.entries(config.backupKeys).map(([cipher, file]) => [cipher, resolve(folder, file)]),
      ),
      md5: config.md5,
      ...(config.helperImage === undefined ? {} : { helperImage: config.helperImage }),
      ...(pattern === undefined ? {} : { pattern }),
      ...(config.passfile === undefined ? {} : { passfile: resolve(folder, config.passfile) }),
      ...(options.instances === undefined ? {} : { only: options.instances }),
      ...(options.engine === undefined ? {} : { engine: options.engine }),
    });
  const place = await findStateFile({
    folder,
    stated: config.state,
    docker: host.reader.docker,
    chosen: options.engine,
    onlyLooking: options.onlyLooking,
  });
  const stateFile = place?.path ?? join(folder, 'state.db');
  const kept = place !== undefined && (options.onlyLooking !== true || existsSync(stateFile));
  const store = options.store ?? (await openSqliteStore(kept ? stateFile : ':memory:', options.now));
  const session = await openEngineContext({
    host,
    store,
    project: folder,
    ...parts,
    verifiers,
    settings: config.settings,
    expect: config.expect,
    ...(options.instances === undefined ? {} : { only: options.instances }),
    dossiers: resolve(stateFile, '..', 'dossiers'),
    ...definedOf(options),
  });
  return {
    session,
    config,
    problems: [],
    triage: options.triage ?? {},
    folder,
    brokenLog: await store.audit.verify(checkedAtOpening),
    stateFile,
    unusedState: place?.unused,
    hasJournal: options.store !== undefined || (place !== undefined && place.isGuess !== true),
    instances: options.instances,
    policy: {
      byRemediator: config.automation,
      byInstance: Object.fromEntries(
        Object.entries(config.instances).flatMap(([name, { automation }]) =>
          automation === undefined ? [] : [[name, automation]],
        ),
      ),
      allow: config.allow,
      windows: config.windows,
      windowsByInstance: Object.fromEntries(
        Object.entries(config.instances).flatMap(([name, { windows }]) =>
          windows === undefined ? [] : [[name, windows]],
        ),
      ),
      limits: { paused: pauseOf(config, stateFile), attemptsPerDay: config.attemptsPerDay },
    },
    close: () => store.close(),
  };
}

function definedOf({
  now,
  atPoint,
  patienceMs,
}: RemediationOptions): Pick<RemediationOptions, 'now' | 'atPoint' | 'patienceMs'> {
  return {
    ...(now === undefined ? {} : { now }),
    ...(atPoint === undefined ? {} : { atPoint }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  };
}

/** What every call may be given: see `CallOptions`, and the records of registries that findings are linked to. */
export interface RemediationCall extends CallOptions {
  /**
   * Records with their triage. Default: none, or those the remediation was bound to. A record without a triage asks before
   * it is repaired: `registries` bring their policy.
   */
  readonly problems?: readonly KnownProblem[];
  /** Registries whose records findings are linked to, and whose policy decides. They come after `problems`. */
  readonly registries?: readonly Pick<Registry, 'records'>[];
}

/**
 * The same remediation for calls with this signal, listener and these records. Every use case takes the three as options
 * too; binding saves saying them again for several calls.
 *
 * @example
 * const bound = bindCall(remediation, { signal: AbortSignal.timeout(60_000) });
 * const { findings } = await detect(bound);
 */
export function bindCall(remediation: Remediation, call: RemediationCall): Remediation {
  const { signal, onEvent } = call;
  const problems = problemsOfCall(remediation, call);
  if (signal === undefined && onEvent === undefined && problems === undefined) return remediation;
  return {
    ...remediation,
    ...(problems === undefined ? {} : { problems }),
    session: contextOfCall(remediation.session, call),
  };
}

/** The problems that a call hands over; undefined if it hands over none. */
function problemsOfCall(
  { triage, session: { remediators } }: Remediation,
  { problems, registries }: RemediationCall,
): readonly KnownProblem[] | undefined {
  if (problems === undefined && registries === undefined) return undefined;
  return [
    ...withTriage(problems ?? [], triage, remediators),
    ...(registries === undefined ? [] : problemsOf(registries, triage, remediators)),
  ];
}
