import { active } from '../../registry/kinds/active.ts';
import { kinds } from '../../registry/kinds/index.ts';
import type { TaskKind } from '../../tasks/types.ts';
import { defineCommand } from '../command.ts';
import { configOptions } from '../shared-options.ts';

const taskKinds = [
  'resolution',
  'investigation',
  'prevention',
  'monitoring',
  'documentation',
] as const satisfies readonly TaskKind[];

export const scan = defineCommand({
  name: 'scan',
  group: 'tasks',
  summary: 'Find registries and list the tasks that follow from them, most urgent first.',
  about:
    'Folders are searched for PROBLEMS.md, in upper or lower case, except for what ignore files exclude. The default is ' +
    'the working folder. Tasks go to standard output, diagnostics and the summary to standard error. Filters that are ' +
    'lists take words separated by commas. Tasks are the normal result: only errors in the files give exit code 1.',
  arguments: [{ name: 'paths', about: 'Folders and files.', variadic: true, completion: 'folder' }],
  options: {
    json: { type: 'flag', about: 'Print one JSON object, which also contains the records and the diagnostics.' },
    kind: {
      type: 'words',
      value: 'kinds',
      about: 'Only tasks of these kinds, or from records of these kinds.',
      choices: [...kinds.map(({ name }) => name), ...taskKinds],
    },
    component: { type: 'words', value: 'names', about: 'Only these components.' },
    severity: {
      type: 'words',
      value: 'severities',
      about: 'Only tasks from records of these severities.',
      choices: Object.keys(active.header.Severity.value.terms),
    },
    status: {
      type: 'words',
      value: 'states',
      about: 'Only tasks from records with these statuses.',
      choices: Object.keys(active.header.Status.value.terms),
    },
    top: { type: 'number', value: 'number', about: 'At most this many tasks.', minimum: 0, whole: true },
    minScore: {
      type: 'number',
      value: 'score',
      about: 'Only tasks with this score or a higher one.',
      minimum: 0,
      whole: false,
    },
    writeTasks: {
      type: 'text',
      value: 'folder',
      about: 'Write the tasks to this tasks folder, each only once, and withdraw those whose problem is resolved.',
      completion: 'folder',
    },
    strict: { type: 'flag', about: 'Exit with 1 for warnings too.' },
    cache: { type: 'flag', default: true, about: 'Ignore the cache and read every file again.' },
    watch: { type: 'flag', about: 'Scan again whenever a registry changes.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems scan', about: 'everything below this folder' },
    { command: 'problems scan resources --severity critical,high --top 10', about: 'the ten most urgent' },
    { command: 'problems scan --kind resolution --component postgres', about: 'what to repair there' },
    { command: 'problems scan --write-tasks tasks', about: 'hand the tasks to a swarm-manager' },
    { command: "problems scan --json | jq '.tasks[0]'", about: 'the first task, as JSON' },
  ],
  exitCodes: [
    { code: 0, about: 'no errors in the registries, with or without tasks' },
    { code: 1, about: 'an error in a registry; with --strict: or a warning' },
    { code: 2, about: 'the command failed, or a file could not be read' },
  ],
  async run({ arguments: paths, options, ...context }) {
    const { kind, component, severity, status, top, minScore } = options;
    const request = {
      ...options,
      paths: paths.length === 0 ? ['.'] : paths,
      filter: {
        recordKinds: kinds.map(({ name }) => name).filter((name) => kind.includes(name)),
        taskKinds: taskKinds.filter((name) => kind.includes(name)),
        component,
        severity,
        status,
        top,
        minScore,
      },
    };
    const { scanContinuously, scanOnce } = await import('../run-scan.ts');
    return options.watch ? scanContinuously(request, context) : scanOnce(request, context);
  },
});
