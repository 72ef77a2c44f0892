import type { Command } from '../command.ts';

/** Every command, in the order of `problems --help`. Each is loaded only when it runs. */
const loaders = {
  validate: async () => (await import('./validate.ts')).validate,
  show: async () => (await import('./show.ts')).show,
  new: async () => (await import('./new.ts')).newRecord,
  import: async () => (await import('./import.ts')).importCommand,
  scan: async () => (await import('./scan.ts')).scan,
  explain: async () => (await import('./explain.ts')).explain,
  tasks: async () => (await import('./tasks.ts')).tasks,
  work: async () => (await import('./work.ts')).work,
  rank: async () => (await import('./rank.ts')).rank,
  learn: async () => (await import('./learn.ts')).learn,
  swarm: async () => (await import('./swarm.ts')).swarm,
  detect: async () => (await import('./detect.ts')).detect,
  plan: async () => (await import('./plan.ts')).plan,
  remediate: async () => (await import('./remediate.ts')).remediate,
  approve: async () => (await import('./approve.ts')).approve,
  runs: async () => (await import('./runs.ts')).runs,
  resume: async () => (await import('./resume.ts')).resume,
  rollback: async () => (await import('./rollback.ts')).rollback,
  backups: async () => (await import('./backups.ts')).backups,
  migrate: async () => (await import('./migrate.ts')).migrate,
  tune: async () => (await import('./tune.ts')).tune,
  forget: async () => (await import('./forget.ts')).forget,
  fleet: async () => (await import('./fleet.ts')).fleet,
  forecast: async () => (await import('./forecast.ts')).forecast,
  serve: async () => (await import('./serve.ts')).serve,
  status: async () => (await import('./status.ts')).status,
  watch: async () => (await import('./watch.ts')).watch,
  tokens: async () => (await import('./tokens.ts')).tokens,
  mcp: async () => (await import('./mcp.ts')).mcp,
  stats: async () => (await import('./stats.ts')).stats,
  ports: async () => (await import('./ports.ts')).ports,
  preflight: async () => (await import('./preflight.ts')).preflight,
  init: async () => (await import('./init.ts')).init,
  schema: async () => (await import('./schema.ts')).schema,
  completion: async () => (await import('./completion.ts')).completion,
} as const satisfies Record<string, () => Promise<Command>>;

export type CommandName = keyof typeof loaders;

export const commandNames: readonly string[] = Object.keys(loaders);

export function isCommandName(word: string): word is CommandName {
  return Object.hasOwn(loaders, word);
}

export function loadCommand(name: CommandName): Promise<Command> {
  return loaders[name]();
}

export function loadCommands(): Promise<Command[]> {
  return Promise.all(commandNames.filter(isCommandName).map(loadCommand));
}
