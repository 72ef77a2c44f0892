import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';

import { createEngineClient, engineAnswers, labIsRequired } from './engine.ts';
import { listContainers, makeImages, takeAllDown, takeDown, takeUp } from './lab.ts';
import type { Removed } from './run.ts';
import { scenarioNamed, scenarioNames, scenarios } from './scenarios/index.ts';

const usage = `npm run lab -- images                       make the images that are missing
npm run lab -- list                         name the scenarios
npm run lab -- up <scenario> [--postgres 15|17]
npm run lab -- status                       show what the lab runs
npm run lab -- down <scenario>...|--all     remove what it made (--all: of tests that run now, too)
npm run lab -- test                         run the lab's tests, if an engine answers`;

const noEngine = 'no Docker Engine answers: start one with test/lab/engine.sh (docs/lab.md)';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { all: { type: 'boolean', default: false }, postgres: { type: 'string', default: '17' } },
  });
  const [command, ...names] = positionals;
  switch (command) {
    case 'list':
      for (const { name, description } of scenarios) say(`${name.padEnd(20)} ${description}`);
      return 0;
    case 'test':
      return runTests(names);
    case 'images':
      return withEngine((docker) => makeImages(docker, say));
    case 'up':
      return withEngine((docker) => up(docker, names, values.postgres));
    case 'down':
      return withEngine((docker) => down(docker, names, values.all));
    case 'status':
      return withEngine(status);
    default:
      say(usage);
      return 2;
  }
}

type Client = ReturnType<typeof createEngineClient>;

async function withEngine(work: (docker: Client) => Promise<void>): Promise<number> {
  if (!(await engineAnswers())) throw new Error(noEngine);
  await work(createEngineClient());
  return 0;
}

async function up(docker: Client, names: readonly string[], postgres: string): Promise<void> {
  const [scenario, ...others] = names.map(scenarioNamed);
  if (scenario === undefined || others.length > 0) throw new Error(`one scenario at a time: ${scenarioNames()}`);
  if (postgres !== '15' && postgres !== '17') throw new Error('--postgres is 15 or 17');
  const folder = await takeUp(docker, scenario, postgres === '15' ? 15 : 17, say);
  say(`\nThe project is in ${relative(process.cwd(), folder)}. Next:\n
  cd ${relative(process.cwd(), folder)}
  problems detect
  problems remediate
  npm run lab -- down ${scenario.name}`);
}

async function down(docker: Client, names: readonly string[], everything: boolean): Promise<void> {
  if (!everything && names.length === 0) throw new Error(`which one? ${scenarioNames()}; or --all`);
  const removed = everything ? await takeAllDown(docker, scenarios) : await takeDown(docker, names.map(scenarioNamed));
  for (const kind of ['containers', 'networks', 'volumes'] satisfies (keyof Removed)[]) {
    const gone = removed.flatMap((one) => one[kind]);
    say(`${kind} removed: ${gone.length === 0 ? 'none' : gone.join(', ')}`);
  }
}

async function status(docker: Client): Promise<void> {
  const containers = await listContainers(docker);
  if (containers.length === 0) say('the lab runs nothing');
  for (const one of containers)
    say(`${one.run.padEnd(14)} ${one.scenario.padEnd(20)} ${one.name.padEnd(44)} ${one.status}`);
}

/** Without an engine the tests do not fail; they do not run. One line says so, and required runs refuse it. */
async function runTests(names: readonly string[]): Promise<number> {
  if (!(await engineAnswers())) {
    if (labIsRequired()) throw new Error(`the lab is required here, and ${noEngine}`);
    say(`The lab did not run: ${noEngine}`);
    return 0;
  }
  const code = await runCommand('vitest', ['run', '--project', 'lab', '--passWithNoTests', ...names]);
  if (code !== 0 || !wantsOwnNetwork(names)) return code;
  if (process.getuid?.() === 0) return runInOwnNetwork(names);
  say('The tests that start a Docker Engine of their own did not run: they need root.');
  return 0;
}

function wantsOwnNetwork(names: readonly string[]): boolean {
  const files = globSync('test/lab/own-network/*.test.ts');
  return names.length === 0 || files.some((file) => names.some((name) => file.includes(name)));
}

/** The tests that start a separate engine, in a separate network. */
async function runInOwnNetwork(names: readonly string[]): Promise<number> {
  const inside = 'ip link set lo up && exec vitest run --project lab-own-network --passWithNoTests "$@"';
  return runCommand('unshare', ['--net', 'sh', '-c', inside, 'sh', ...names]);
}

async function runCommand(command: string, words: readonly string[]): Promise<number> {
  const [code] = await once(spawn(command, words, { stdio: 'inherit' }), 'close');
  return typeof code === 'number' ? code : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
