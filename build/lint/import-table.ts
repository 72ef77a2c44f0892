/**
 * Who may import whom: the table of AGENTS.md in the form that the linter checks. Paths are relative to
 * `src`; a folder ends in a slash. For a file the longest fitting `path` counts. Own folder and `everywhere` are
 * always allowed, and so are Node's built-ins.
 */
export interface Room {
  readonly path: string;
  /** Folders and files that it may import. */
  readonly rooms: readonly string[];
  /** Folders and files of which it may import types alone. */
  readonly types?: readonly string[];
  /** Packages that it may import; `*` at the end stands for any rest of the name. */
  readonly packages?: readonly string[];
}

/** Small files at the top of `src` that belong to no room. */
export const everywhere: readonly string[] = ['errors.ts', 'nearest.ts', 'version.ts', 'word-separator.ts'];

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
  { path: 'registry/', rooms: [], packages: ['js-yaml', 'zod'] },
  { path: 'registry/outline/', rooms: ['registry/'], packages: unifiedFamily },
  {
    path: 'scan/',
    rooms: ['registry/', 'priority/', 'tasks/', 'config.ts', 'config/'],
    packages: ['ignore', 'write-file-atomic'],
  },
  { path: 'priority/', rooms: ['registry/diagnostics.ts'], types: ['registry/', 'tasks/'] },
  { path: 'tasks/', rooms: ['priority/'], types: ['registry/'], packages: ['js-yaml', 'write-file-atomic'] },
  {
    path: 'reporters/',
    rooms: [],
    types: ['registry/', 'priority/', 'tasks/', 'scan/', 'remediation/', 'host/'],
    packages: ['js-yaml', 'sarif', 'string-width'],
  },
  { path: 'host/', rooms: [] },
  { path: 'host/docker.ts', rooms: ['host/'], packages: ['dockerode', 'tar-stream'] },
  { path: 'host/postgres.ts', rooms: ['host/'], packages: ['pg'] },
  { path: 'tuning/', rooms: [] },
  { path: 'migration/', rooms: [], types: ['host/'] },
  {
    path: 'remediation/',
    rooms: ['host/', 'tuning/', 'migration/'],
    types: ['registry/', 'tasks/', 'priority/'],
    packages: ['zod'],
  },
  {
    path: 'remediation/actions/',
    rooms: ['remediation/contract.ts', 'remediation/instances/', 'host/', 'migration/'],
    packages: ['zod'],
  },
  {
    path: 'remediation/instances/',
    rooms: ['remediation/contract.ts', 'tuning/'],
    types: ['host/'],
    packages: ['zod'],
  },
  {
    path: 'remediation/remediators/',
    rooms: ['remediation/contract.ts', 'remediation/instances/', 'tuning/', 'migration/'],
    types: ['registry/', 'host/'],
    packages: ['zod'],
  },
  {
    path: 'config.ts',
    rooms: ['config/', 'priority/', 'tasks/'],
    types: ['registry/', 'remediation/'],
    packages: ['zod', 'js-yaml'],
  },
  {
    path: 'config/',
    rooms: ['config.ts', 'priority/', 'tasks/'],
    types: ['registry/', 'remediation/'],
    packages: ['zod', 'js-yaml'],
  },
  { path: 'schema/', rooms: ['registry/', 'priority/', 'tasks/', 'config/'], packages: ['zod'] },
  {
    path: 'cli/',
    rooms: [
      'registry/',
      'scan/',
      'priority/',
      'tasks/',
      'reporters/',
      'remediation/',
      'tuning/',
      'migration/',
      'host/',
      'config.ts',
      'config/',
      'schema/',
    ],
    packages: ['commander', 'yocto-spinner', 'write-file-atomic', 'js-yaml'],
  },
  {
    path: 'index.ts',
    rooms: ['registry/', 'scan/', 'priority/', 'tasks/', 'reporters/', 'config.ts', 'config/', 'schema/'],
  },
  { path: 'remark.ts', rooms: ['registry/', 'priority/'], packages: unifiedFamily },
];

/** A folder of remediators holds one folder each, and none may look into another: the first folder below is its own. */
export const siblingFolders: readonly string[] = ['remediation/remediators/'];
