/**
 * What a helper may get. DAC_READ_SEARCH is not among them: it allows `open_by_handle_at`, which opens any file of the
 * host's file system. DAC_OVERRIDE reads files of any owner too, but only below the mounts.
 */
export type HelperCapability = 'CHOWN' | 'DAC_OVERRIDE' | 'FOWNER' | 'FSETID';

/** What a helper container of a task may have. Whatever it runs gets no more than this. */
export interface HelperTask {
  /** What it does, for the table in SECURITY.md. */
  readonly about: string;
  /** `root` within the container; `nobody`: 65534; `named`: whom the caller names. */
  readonly user: 'root' | 'nobody' | 'named';
  readonly capabilities: readonly HelperCapability[];
  /** `joined`: the network of a server or of its client, which the caller names. */
  readonly network: 'none' | 'joined';
  /** Whether it may write to a mount other than its scratch volume. */
  readonly writes: boolean;
  /** Of memory and swap together. */
  readonly memoryBytes: number;
  /** CPUs at most, as a quota, so that it may name more than a machine has. Default: no limit. */
  readonly cpus?: number;
  /** It needs a shell and the usual tools, and nothing of the instance's image: an image of our own runs it. */
  readonly anyImage?: true;
}

const MiB = 2 ** 20;

const GiB = 2 ** 30;

const reads = { user: 'root', capabilities: ['DAC_OVERRIDE'], network: 'none', writes: false } as const;

const asks = { user: 'nobody', capabilities: [], network: 'joined', writes: false, memoryBytes: GiB } as const;

/** Runs a server, as the image's postgres. */
const serves = {
  user: 'named',
  capabilities: [],
  network: 'none',
  memoryBytes: 4 * GiB,
  cpus: 2,
} as const;

/** Every helper container that the tool starts is one of these. */
export const helperTasks = {
  survey: { ...reads, about: 'list the files of a volume', memoryBytes: 512 * MiB, anyImage: true },
  'try-image': {
    about: 'try the programs of the image for helpers',
    user: 'nobody',
    capabilities: [],
    network: 'none',
    writes: false,
    memoryBytes: 256 * MiB,
  },
  'check-backup': {
    about: 'read a backup as the owner of its files',
    user: 'named',
    capabilities: [],
    network: 'none',
    writes: false,
    memoryBytes: 2 * GiB,
  },
  'check-mixed-backup': { ...reads, about: 'read a backup whose files have several owners', memoryBytes: 2 * GiB },
  'file-settings': {
    about: 'let the server read its own config files',
    user: 'named',
    capabilities: [],
    network: 'none',
    writes: false,
    memoryBytes: GiB,
  },
  client: { ...asks, about: 'connect to a server as a client would' },
  load: { ...asks, about: 'put load on a server', memoryBytes: 2 * GiB },
  'take-backup': { ...asks, about: 'take a backup', user: 'named', writes: true, memoryBytes: 4 * GiB },
  drill: {
    about: 'restore a copy and check it',
    user: 'named',
    capabilities: [],
    network: 'none',
    writes: false,
    memoryBytes: 2 * GiB,
    cpus: 1,
  },
  'check-archive': { ...serves, about: 'recover a copy up to the end of an archive', writes: false },
  'restore-backup': { ...serves, about: 'restore a backup into a new volume', writes: true },
  'reference-schema': {
    ...serves,
    about: 'run migration files in an empty server',
    writes: false,
    memoryBytes: 2 * GiB,
  },
  'change-owners': {
    about: 'change owners in a volume',
    user: 'root',
    capabilities: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE'],
    network: 'none',
    writes: true,
    memoryBytes: 512 * MiB,
    anyImage: true,
  },
  'copy-volume': {
    about: 'copy into a new volume',
    user: 'root',
    capabilities: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE', 'FSETID'],
    network: 'none',
    writes: true,
    memoryBytes: GiB,
    anyImage: true,
  },
  'prepare-volume': {
    about: 'prepare a new volume',
    user: 'root',
    capabilities: ['CHOWN', 'FOWNER'],
    network: 'none',
    writes: true,
    memoryBytes: 256 * MiB,
    anyImage: true,
  },
  'edit-settings': {
    about: 'edit a config file of a stopped server, or rename its lock file',
    user: 'named',
    capabilities: [],
    network: 'none',
    writes: true,
    memoryBytes: 256 * MiB,
  },
} as const satisfies Readonly<Record<string, HelperTask>>;

export type HelperTaskName = keyof typeof helperTasks;

/** The task of a helper, on its container, so that everybody can compare it with what it has. */
export const taskLabel = 'problems.helper.task';
