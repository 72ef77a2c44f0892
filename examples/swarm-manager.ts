/**
 * What a swarm-manager does with the library: scan, rank, and take the most urgent tasks that may run unattended.
 * Run it with a folder: node examples/swarm-manager.ts fixtures
 */
import { attemptsIn, generateTasks, loadConfig, readBacklog, scanAll } from 'problem-registry';

const [folder = '.'] = process.argv.slice(2);
const config = await loadConfig(folder);
const { registries } = await scanAll([folder], {
  configFolder: config.folder,
  ignore: config.ignore,
  components: config.components,
  signal: AbortSignal.timeout(60_000),
});

// Where tasks have failed before, their cooldown lowers the score.
const attempts = config.tasksDir === undefined ? new Map() : attemptsIn(await readBacklog(config.tasksDir), new Date());
const { tasks, diagnostics } = generateTasks(registries, {
  priority: config.priority,
  triage: config.triage,
  attempts,
});

const wrong = [...registries.flatMap((registry) => registry.diagnostics), ...diagnostics];
console.log(`${registries.length} registries, ${tasks.length} tasks, ${wrong.length} diagnostics`);

for (const { id, priority, handler, dependencies } of tasks.filter((task) => task.automation === 'auto').slice(0, 5)) {
  const after = dependencies.length === 0 ? '' : `, after ${dependencies.join(', ')}`;
  console.log(`${priority.score.toFixed(3)}  ${id}: ${handler}${after}`);
}
