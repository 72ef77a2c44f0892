/**
 * Who may import whom: the table of AGENTS.md in the form that the linter checks. Paths are relative to `src`; a folder
 * ends in a slash. For a file the longest matching `path` counts. Own folder and `everywhere` are always allowed, and
 * so are Node's built-ins.
 */
export interface Room {
  readonly path: string;
  /** Folders and files that it may import. */
  readonly rooms: readonly string[];
  /** Folders and files from which it may import types only. */
  readonly types?: readonly string[];
  /** Packages that it may import; a trailing `*` matches any rest of the name. */
  readonly packages?: readonly string[];
}

/** What every room may import. */
export const everywhere: readonly string[] = ['errors.ts', 'version.ts', 'read-file.ts', 'util/'];

const unifiedFamily: readonly string[] = [
  'unified',
  'remark-*',
  'mdast',
  'mdast-util-*',
  'micromark*',
  'unist*',
  'vfile*',
];

export const rooms: readonly Room[] = [
  { path: 'util/', rooms: [], packages: ['fastest-levenshtein'] },
  { path: 'postgres/', rooms: [] },
  { path: 'compose/', rooms: [], packages: ['yaml'] },
  { path: 'registry/', rooms: [], packages: ['js-yaml', 'zod'] },
  { path: 'registry/parse/markdown-tree.ts', rooms: ['registry/'], packages: unifiedFamily },
  { path: 'priority/', rooms: ['registry/diagnostics.ts'], types: ['registry/'] },
  { path: 'scan/', rooms: ['registry/'], packages: ['write-file-atomic'] },
  { path: 'import/', rooms: ['registry/'], packages: ['fastest-levenshtein'] },
  {
    path: 'tasks/',
    rooms: ['priority/', 'registry/identity.ts'],
    types: ['registry/'],
    packages: ['js-yaml', 'write-file-atomic'],
  },
  { path: 'learning/', rooms: ['priority/'], packages: ['zod'] },
  { path: 'config/', rooms: ['priority/', 'tasks/'], packages: ['zod', 'js-yaml'] },
  { path: 'host/', rooms: ['postgres/', 'compose/'] },
  { path: 'host/postgres/client.ts', rooms: ['host/', 'postgres/'], packages: ['pg'] },
  { path: 'backups/', rooms: ['host/', 'postgres/'] },
  { path: 'migration/', rooms: ['postgres/'], types: ['host/'] },
  {
    path: 'remediation/',
    rooms: ['host/', 'postgres/', 'compose/', 'migration/', 'backups/'],
    types: ['registry/', 'tasks/', 'priority/'],
    packages: ['zod'],
  },
  // Which remediator a record belongs to is decided where triage decides it.
  {
    path: 'remediation/engine/',
    rooms: [
      'remediation/',
      'host/',
      'postgres/',
      'migration/',
      'backups/',
      'tasks/classify.ts',
      'priority/record-text.ts',
    ],
    types: ['registry/', 'tasks/', 'priority/'],
    packages: ['zod'],
  },
  // The only file of the room that knows how a config is checked.
  {
    path: 'remediation/config.ts',
    rooms: ['remediation/', 'config/load.ts'],
    packages: ['zod'],
  },
  {
    path: 'remediation/actions/',
    rooms: [
      'remediation/contract.ts',
      'remediation/operations.ts',
      'remediation/shared/',
      'host/',
      'postgres/',
      'compose/',
      'migration/',
      'backups/',
    ],
    packages: ['zod'],
  },
  {
    path: 'remediation/shared/',
    rooms: ['remediation/contract.ts', 'postgres/', 'compose/'],
    types: ['host/'],
    packages: ['zod'],
  },
  {
    path: 'remediation/remediators/',
    rooms: [
      'remediation/contract.ts',
      'remediation/shared/',
      'postgres/',
      'compose/',
      'migration/',
      'host/image-contract.ts',
      'backups/verdict.ts',
      'tasks/claims.ts',
    ],
    types: ['host/', 'backups/'],
    packages: ['zod'],
  },
  {
    path: 'swarm/',
    rooms: [
      'priority/',
      'tasks/',
      'host/process-identity.ts',
      'host/user-key.ts',
      'remediation/contract.ts',
      'remediation/store/',
    ],
    types: ['registry/'],
    packages: ['zod'],
  },
  {
    path: 'swarm/postgres/',
    rooms: ['swarm/', 'host/postgres/passfile.ts'],
    packages: ['pg', 'pg-boss', 'zod'],
  },
  {
    path: 'app/',
    rooms: [
      'registry/',
      'import/',
      'scan/',
      'priority/',
      'tasks/',
      'learning/',
      'config/',
      'host/',
      'postgres/',
      'backups/',
      'migration/',
      'remediation/',
      'swarm/',
    ],
    packages: ['zod', 'write-file-atomic'],
  },
  { path: 'testing/', rooms: ['host/', 'backups/', 'remediation/'] },
  {
    path: 'service/',
    rooms: [
      'registry/',
      'priority/',
      'tasks/',
      'learning/',
      'config/',
      'postgres/',
      'backups/',
      'remediation/',
      'swarm/',
      'host/',
      'app/',
    ],
    packages: ['zod', 'croner'],
  },
  // The registries and the queue, as the command line prints them.
  {
    path: 'service/operations/',
    rooms: [
      'service/',
      'registry/',
      'priority/',
      'tasks/',
      'config/',
      'postgres/',
      'backups/',
      'remediation/',
      'app/',
      'reporters/json.ts',
    ],
    packages: [],
  },
  { path: 'service/metrics/', rooms: ['service/', 'tasks/'], packages: ['prom-client'] },
  { path: 'service/http/', rooms: ['service/', 'app/'], packages: ['hono', '@hono/*', 'zod'] },
  { path: 'service/mcp/', rooms: ['service/', 'app/'], packages: ['@modelcontextprotocol/*', 'zod'] },
  // Bundled for browsers: nothing of the program may come with it.
  {
    path: 'page/',
    rooms: [],
    types: ['service/', 'app/', 'backups/', 'remediation/', 'swarm/', 'priority/'],
    packages: ['preact', 'htm'],
  },
  // The published config schema contains the settings that each remediator declares.
  {
    path: 'schema/',
    rooms: [
      'registry/',
      'import/',
      'priority/',
      'tasks/',
      'learning/',
      'config/',
      'remediation/config.ts',
      'remediation/remediators/index.ts',
      'remediation/requests/index.ts',
    ],
    packages: ['zod'],
  },
  {
    path: 'reporters/',
    rooms: [],
    types: [
      'registry/',
      'import/',
      'priority/',
      'tasks/',
      'learning/',
      'scan/',
      'backups/',
      'host/',
      'migration/',
      'postgres/',
      'remediation/',
      'swarm/',
      'app/',
      'service/',
    ],
    packages: ['js-yaml', 'sarif', 'string-width'],
  },
  {
    path: 'cli/',
    rooms: [
      'registry/',
      'import/',
      'scan/',
      'priority/',
      'tasks/',
      'learning/',
      'config/',
      'postgres/',
      'backups/',
      'app/',
      'service/',
      'schema/',
      'reporters/',
    ],
    packages: ['commander', 'yocto-spinner', 'write-file-atomic', 'js-yaml'],
  },
  {
    path: 'index.ts',
    rooms: ['registry/', 'import/', 'scan/', 'priority/', 'tasks/', 'learning/', 'config/', 'schema/', 'app/'],
  },
  { path: 'remark.ts', rooms: ['registry/', 'import/', 'priority/', 'scan/walk.ts'], packages: unifiedFamily },
];

/** A folder of remediators holds one folder each, and none may import another: the first folder below is its own. */
export const siblingFolders: readonly string[] = ['remediation/remediators/'];

/**
 * The floors of the house, lowest first. A file may import files of its own floor and of those below, never of one
 * above, types included. test/package/floors.test.ts checks it, and that no import closes a circle.
 */
export const floors: readonly (readonly string[])[] = [
  ['errors.ts', 'version.ts', 'read-file.ts', 'util/', 'postgres/', 'compose/'],
  ['registry/', 'host/'],
  ['priority/', 'scan/', 'import/', 'backups/', 'migration/'],
  ['tasks/', 'learning/'],
  ['config/'],
  ['remediation/operations.ts', 'remediation/leases.ts', 'remediation/standard-schema.ts'],
  ['remediation/contract.ts'],
  ['remediation/redact.ts', 'remediation/secret-forms.ts', 'remediation/secret-patterns.ts', 'remediation/schemas.ts'],
  ['remediation/shared/', 'remediation/store/'],
  ['remediation/actions/', 'remediation/remediators/', 'remediation/requests/', 'remediation/policy/'],
  ['remediation/events.ts'],
  ['remediation/engine/', 'remediation/config.ts'],
  ['remediation/run-report.ts'],
  ['swarm/'],
  ['app/', 'testing/'],
  // What programs read is the same on the command line and over HTTP.
  ['reporters/json.ts'],
  ['service/'],
  ['page/'],
  ['schema/', 'reporters/'],
  ['cli/', 'index.ts', 'remark.ts'],
];
