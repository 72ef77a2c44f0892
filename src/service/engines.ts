import { basename } from 'node:path';
import { openRemediation, type Remediation } from '../app/remediation.ts';
import { pauseOf } from '../app/open-remediation.ts';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { engineAddress, engineEnvironment } from '../host/docker/address.ts';
import { errorText } from '../util/text.ts';
import type { EngineSettings } from './settings.ts';
import type { EngineView } from './types.ts';

/** One Docker engine with its journal. It is opened when it first answers, and stays open when it is away later. */
export interface ServiceEngine {
  readonly name: string;
  view(): EngineView;
  note(changed: Partial<Pick<EngineView, 'reachable' | 'reason' | 'checkedAt' | 'budget'>>): void;
  /**
   * Its journal and host, with the pause as it is now.
   * @throws ProblemsError `engine-unreachable`: it has never answered. What `openRemediation` throws.
   */
  remediation(): Promise<Remediation>;
  /** As `remediation`, for these instances alone, until `work` has ended. */
  only<Result>(instances: readonly string[], work: (remediation: Remediation) => Promise<Result>): Promise<Result>;
  /** What is open; undefined before it first answered. */
  opened(): Remediation | undefined;
  close(): void;
}

/** Opens an engine for instances, by default all. Tests have their own. */
export type OpenEngine = (engine: EngineSettings, instances?: readonly string[]) => Promise<Remediation>;

/** Opens engines with the config of the project. Those after the first have no folders of the project. */
export function engineOpener(config: Config, first: string, now: () => Date): OpenEngine {
  return (engine, instances) =>
    openRemediation({
      folder: config.folder,
      config: engine.name === first ? config.remediation : { ...config.remediation, expect: [], instanceFolders: [] },
      configFile: config.file === undefined ? undefined : basename(config.file),
      plugins: config.plugins,
      triage: config.triage,
      now,
      ...(engine.choice === undefined ? {} : { engine: engine.choice }),
      ...(instances === undefined ? {} : { instances }),
    });
}

function addressOf({ choice }: EngineSettings): string {
  return engineAddress(choice === undefined ? process.env : engineEnvironment(choice)).text;
}

export function createEngine(settings: EngineSettings, open: OpenEngine, known: EngineView | undefined): ServiceEngine {
  let view: EngineView = {
    name: settings.name,
    address: addressOf(settings),
    reachable: false,
    reason: 'It was not asked yet.',
    checkedAt: null,
    budget: known?.budget ?? null,
  };
  let opening: Promise<Remediation> | undefined;
  let opened: Remediation | undefined;

  async function openIfItAnswers(): Promise<Remediation> {
    const remediation = await open(settings);
    try {
      // Before it has answered, its state file may not be known.
      await remediation.session.reader.docker.info();
    } catch (error) {
      remediation.close();
      throw error;
    }
    opened = remediation;
    return remediation;
  }

  async function once(): Promise<Remediation> {
    opening ??= openIfItAnswers();
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  return {
    name: settings.name,
    view: () => view,
    note(changed) {
      view = { ...view, ...changed };
    },
    remediation: async () => withPauseOfNow(await once()),
    async only(instances, work) {
      await once();
      const narrow = await open(settings, instances);
      try {
        return await work(withPauseOfNow(narrow));
      } finally {
        narrow.close();
      }
    },
    opened: () => (opened === undefined ? undefined : withPauseOfNow(opened)),
    close: () => opened?.close(),
  };
}

/** The file that pauses everything may have been made since the engine was opened. */
function withPauseOfNow(remediation: Remediation): Remediation {
  const { policy, config, stateFile } = remediation;
  return {
    ...remediation,
    policy: { ...policy, limits: { ...policy.limits, paused: pauseOf(config, stateFile) } },
  };
}

/** Whether an error says that the engine is away, and not that the work failed. */
export function isAway(error: unknown): boolean {
  return error instanceof ProblemsError && error.code === 'engine-unreachable';
}

/** One sentence for a view. Errors of the engine have no secrets; those of a run are redacted. */
export function reasonOf(error: unknown, remediation: Remediation | undefined): string {
  const text = errorText(error).slice(0, 2_000);
  return remediation === undefined ? text : remediation.session.redact.text(text);
}
