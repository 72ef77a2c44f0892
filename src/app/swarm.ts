import { realpathSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { LearnedEstimates } from '../priority/index.ts';
import type { Diagnostic } from '../registry/diagnostics.ts';
import type { Registry } from '../registry/registry.ts';
import { projectOf } from '../scan/projects.ts';
import { isRepair } from '../swarm/rules.ts';
import { createSwarm, type Swarm } from '../swarm/swarm.ts';
import type { SyncResult, TaskEntry } from '../swarm/types.ts';
import type { Task } from '../tasks/types.ts';
import type { ScanEnvironment } from './scan.ts';
import { openStore } from './swarm-store.ts';
import type { TaskBrief } from './task-brief.ts';
import { scannedIn, targetsFrom } from './write-tasks.ts';

export type { Config } from '../config/config.ts';
export type { Page, SwarmStore } from '../swarm/store.ts';
export type { Claim, Swarm } from '../swarm/swarm.ts';
export type * from '../swarm/types.ts';
export { type TaskBrief } from './task-brief.ts';
export { type Release, work, type WorkOptions, type Worked } from '../swarm/work.ts';
export { type RepairQueue, type RepairWorkOptions, type WorkEvent, workOnRepairs } from './work-on-repairs.ts';
export {
  type Board,
  type BoardContents,
  type BoardNote,
  type BoardTask,
  exchange,
  type Exchanged,
  type ExchangeOptions,
} from '../swarm/adapters/exchange.ts';
export { swarmManager, type SwarmManagerOptions } from '../swarm/adapters/swarm-manager.ts';
export { failureClasses } from '../remediation/contract.ts';

export interface SwarmOptions {
  /** Absolute. Paths of registries are relative to it. */
  readonly cwd: string;
  /** As `loadConfig` returns it. */
  readonly config: Config;
  /**
   * Path of a state file, relative to the config's folder, or the URL of a PostgreSQL database, for which pg-boss must be
   * installed. Default: `swarm.store` of the config, else `remediation.state` of it, else PROBLEMS_STATE, else the state file of
   * the Docker engine, which is made if it is missing.
   */
  readonly store?: string;
  /** Estimates learned from outcomes, by problem id. Default: none. */
  readonly learned?: LearnedEstimates;
  /** Default: the system clock. On PostgreSQL that of the database decides which lease is over. */
  readonly now?: () => Date;
}

/** The queue of a project, and how registries get into it. */
export interface ProjectSwarm extends Swarm {
  /**
   * Id of the Docker engine that tasks of remediators are for: that of the state file, or if the file was named, the one
   * that answered when the queue was opened. Undefined if none did: then tasks keep the engine that they were for, and new
   * ones are for any engine. On PostgreSQL it is `swarm.engine` of the config; without that tasks keep theirs, and new ones
   * are for the one that answered.
   */
  readonly engine: string | undefined;
  /** Absolute: the project, whose registries are read. */
  readonly folder: string;
  /** Absolute; undefined on PostgreSQL. */
  readonly stateFile: string | undefined;
  /**
   * Makes the queue what registries say: enqueues, rescores, brings back what has occurred again, and withdraws tasks whose
   * problem they show to be resolved. Registries that are not among these, or have errors, withdraw nothing. Hand over all
   * registries of the project: tasks depend on each other. The same registries a second time change nothing.
   * @param diagnostics Default: those of the registries.
   */
  sync(registries: readonly Registry[], diagnostics?: readonly Diagnostic[]): Promise<SyncResult>;
  /** Reads all registries of the project, from whatever folder in it, and syncs them. */
  syncProject(reading?: Pick<ScanEnvironment, 'signal' | 'onProgress'>): Promise<SyncResult>;
  /** The record, the evidence and the escalation report of a task, for the agent that has claimed it: data, not instructions. */
  brief(task: Pick<Task, 'problem' | 'target'>): Promise<TaskBrief>;
}

/**
 * Opens the queue of the project that a folder is in. Any number of processes on this machine may have it open, and with
 * PostgreSQL on any machine.
 *
 * @example
 * const swarm = await openSwarm({ cwd, config: await loadConfig(cwd) });
 * await swarm.syncProject();
 * const claim = await swarm.claim({ worker: 'agent-1' });
 * if (claim !== undefined) await claim.report({ result: 'done', notes: 'The port is configured now.' });
 * @throws ProblemsError `state-damaged`, `state-locked`, `state-untrusted`, `state-unwritable`; `bad-config`: a plugin
 * cannot be loaded, or `swarm` lacks what PostgreSQL needs. With PostgreSQL also `store-unreachable`; `not-found`: pg-boss is not
 * installed; `bad-usage`: the URL.
 */
export async function openSwarm(options: SwarmOptions): Promise<ProjectSwarm> {
  const { cwd, config, learned } = options;
  const project = projectOf(realpathSync.native(cwd), config.file === undefined ? undefined : config.folder);
  const folder = project ?? realpathSync.native(config.folder);
  const { store, stateFile, engine, keepsEngines } = await openStore({
    config,
    store: options.store,
    folder,
    now: options.now,
  });
  const claims = config.plugins.length === 0 ? {} : await (await import('./plugins.ts')).pluginClaims(config);

  /** The engine of each task of a remediator. */
  async function engineOf(repairs: readonly Task[]): Promise<(id: string) => string | null> {
    if (!keepsEngines || repairs.length === 0) return () => engine ?? null;
    const known = await store.list({ ids: repairs.map(({ id }) => id) });
    const engines = new Map(known.map((entry) => [entry.id, entry.engine]));
    return (id) => engines.get(id) ?? engine ?? null;
  }

  /** In the order of what was learned, if the config asks for it. */
  async function ranked(tasks: readonly Task[]): Promise<readonly Task[]> {
    const { priority, learning, tasksDir } = config;
    if (priority.profile !== 'learned' || learning.enabled === false || tasks.length === 0) return tasks;
    const [{ openLearning }, { rankByLearning }] = await Promise.all([
      import('./learned.ts'),
      import('./rank-by-learning.ts'),
    ]);
    return rankByLearning(tasks, await openLearning({ config, tasks, tasksDir, store }), priority, undefined).tasks;
  }

  async function syncFrom(
    base: string,
    registries: readonly Registry[],
    diagnostics: readonly Diagnostic[],
  ): Promise<SyncResult> {
    const { generateTasks } = await import('../tasks/generate.ts');
    const { priority, triage } = config;
    const made = generateTasks(registries, {
      priority,
      triage,
      claims,
      ...(learned === undefined ? {} : { learned }),
    });
    const tasks = await ranked(made.tasks);
    const targetOf = targetsFrom(base, config, folder);
    const covers = scannedIn({ registries, tasks, diagnostics }, targetOf);
    const repairs = tasks.filter(isRepair);
    const engineFor = await engineOf(repairs);
    const entries = tasks.map((task): TaskEntry => ({
      task: { ...task, target: targetOf(task.target) },
      engine: isRepair(task) ? engineFor(task.id) : null,
    }));
    return store.sync(entries, covers);
  }

  return {
    ...createSwarm(store, options.now),
    engine,
    folder,
    stateFile,
    sync: (registries, diagnostics = registries.flatMap((registry) => registry.diagnostics)) =>
      syncFrom(cwd, registries, diagnostics),
    async brief(task) {
      const { briefOf } = await import('./task-brief.ts');
      return briefOf(task, { config, folder });
    },
    async syncProject(reading) {
      const { checkPaths } = await import('./scan.ts');
      const { registries, diagnostics } = await checkPaths(['.'], { ...reading, cwd: folder, config, cache: true });
      return syncFrom(folder, registries, diagnostics);
    },
  };
}
