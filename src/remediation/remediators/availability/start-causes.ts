/**
 * Why a server does not start, by the words with which it or its image ends, and what you can do. Texts of PostgreSQL 15 to 17
 * and of the official images.
 */

interface StartCause {
  readonly words: RegExp;
  /** Completes "<reason>." with whole sentences. `found` are the groups of `words`. */
  readonly advice: (found: readonly string[], container: string) => string;
}

function andStart(container: string): string {
  return `Then run \`docker start ${container}\`.`;
}

/** The scripts run on an empty data directory only. */
export function adviceForInit(container: string): string {
  return `Correct the script. If no client has written into the database yet, remove ${container} and its volume, and create it again: the scripts run on an empty data directory only. Else keep them, and run what is missing by hand: docker exec -i ${container} psql -U <role> -d <database> < <script>`;
}

const causes: readonly StartCause[] = [
  { words: /^the init script \S+ did not run to its end/, advice: (_, container) => adviceForInit(container) },
  {
    words: /initialized by PostgreSQL version (\d+), which is not compatible with this version (\d+)/,
    advice: ([data = '', image = '']) =>
      `The data is of PostgreSQL ${data}, the image of ${image}. Run an image of PostgreSQL ${data} on it, and name the version in the tag, such as postgres:${data}. To upgrade, take a dump with it and restore that into a new instance of PostgreSQL ${image}: docs/remediation/availability.md#another-major-version.`,
  },
  {
    words: /in 18\+, these Docker images are configured to store database data/,
    advice: () =>
      'The image is of PostgreSQL 18 or later, which keeps its data in another folder, and the volume holds data of an older version. Read PG_VERSION there, and run an image of that version, such as postgres:17. To upgrade: docs/remediation/availability.md#another-major-version.',
  },
  {
    words: /lock file "[^"]*" already exists|pre-existing shared memory block/,
    advice: () =>
      'Another server seems to use the data. Find it with `docker ps` and the mounts of its container, and do not remove postmaster.pid while it runs.',
  },
  {
    words: /in file "([^"]+)"[, ]+(?:near )?line (\d+)/,
    advice: ([file = '', line = ''], container) => `Correct line ${line} of ${file}. ${andStart(container)}`,
  },
  {
    words: /could not access file "([^"]+)": No such file/,
    advice: ([library = ''], container) =>
      `The image has no library ${library}. Use an image that has it, or take it out of shared_preload_libraries. ${andStart(container)}`,
  },
  {
    words: /database locale is incompatible with operating system|invalid locale name|locale "[^"]*" .*not/i,
    advice: () =>
      'The image does not have the locale with which the data was made. Use the image that it was made with, or one that has the locale.',
  },
  {
    words: /No space left on device/,
    advice: (_, container) =>
      `The disk with the data is full. Free space there or enlarge it; never delete files in pg_wal or elsewhere in the data directory. ${andStart(container)}`,
  },
  {
    words: /superuser password is not specified/,
    advice: () =>
      'The data directory is empty, and POSTGRES_PASSWORD is not set. If there was data before, check the mounts first: its volume may be another one. For a new instance, set POSTGRES_PASSWORD.',
  },
  {
    words: /directory "([^"]+)" exists but is not empty/,
    advice: ([directory = '']) =>
      `${directory} holds files but no database. Mount an empty volume there, or the folder within it that holds PG_VERSION.`,
  },
  {
    words: /could not locate a valid checkpoint record|invalid (?:primary )?checkpoint record/,
    advice: () =>
      'WAL is missing or damaged. Copy the whole data directory before anything else, then restore a backup into a new instance: `problems backups`. Do not run pg_resetwal on the only copy.',
  },
  {
    words: /recovery aborted because of insufficient parameter settings/,
    advice: (_, container) =>
      `A standby needs settings at least as high as its primary. Raise the one that the log names. ${andStart(container)}`,
  },
  {
    words: /(?:private key file|server certificate file|root certificate file) "([^"]+)"/,
    advice: ([file = ''], container) =>
      `Check that ${file} is there and that only the server may read it. ${andStart(container)}`,
  },
  {
    words: /could not (?:bind|create) .*(?:Address already in use|TCP\/IP sockets)/,
    advice: (_, container) =>
      `Another process of its network has the port. Stop it, or give one of the two another port. ${andStart(container)}`,
  },
  {
    words: /exec format error/,
    advice: () => 'The image is for another processor. Use one for this machine.',
  },
];

/** What to do about the reason for which a server does not start; undefined if it is not one of the known ones. */
export function adviceFor(reason: string, container: string): string | undefined {
  for (const { words, advice } of causes) {
    const found = words.exec(reason);
    if (found !== null) return advice(found.slice(1), container);
  }
  return undefined;
}
