import type { Json } from '../../util/json.ts';

/** A Compose client on the user's PATH: the plugin of the Docker client, or the program that came before it. */
export type ComposeClient = 'docker compose' | 'docker-compose';

/** What a client is told about a project: nothing is left to what it would find by itself. Paths are absolute. */
export interface ProjectFiles {
  readonly name: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly environmentFile: string | null;
  /** Profiles to activate. */
  readonly profiles: readonly string[];
}

/** A file with another text than it has now, to see what Compose would make of it. */
export interface EditedFile {
  readonly path: string;
  readonly text: string;
}

/** What `config` says of a project. It may contain secrets: never print or store it. */
export type ComposeConfig =
  | {
      readonly ok: true;
      readonly config: Json;
      /** Of the service that was asked about; Compose labels containers with it. */
      readonly hash: string;
    }
  | { readonly ok: false; readonly message: string };

/** What the config lets a repair do: edit the files of a project, only its override file, or neither. */
export type ComposeMode = 'edit' | 'override' | 'refuse';

/** Asks the Compose client about a project. Starts and changes nothing. */
export interface ComposeReader {
  readonly mode: ComposeMode;
  /** The clients on this machine, the plugin first. Empty if there is none. */
  clients(): Promise<readonly ComposeClient[]>;
  /** `edited`: a file of the project, or its `.env`, whether it exists or not. */
  config(client: ComposeClient, project: ProjectFiles, service: string, edited?: EditedFile): Promise<ComposeConfig>;
}

export interface ComposeChanger {
  /**
   * `up` for one service, without those it depends on, builds and downloads: creates its container anew if the files say
   * something else than its container. `start` false: leaves it stopped.
   * @throws ProblemsError `step-refused`: the client failed; its last lines are in the message.
   */
  up(
    client: ComposeClient,
    project: ProjectFiles,
    service: string,
    options: { readonly start: boolean },
  ): Promise<void>;
}
