/**
 * Guards a release. `npm version` calls it twice, in the folder of the package:
 *
 *     node build/release.ts check          before the version changes: refuses a package that is not ready
 *     node build/release.ts write [date]   before the commit: dates the changelog, names the new tag in the README
 *
 * `date` is `YYYY-MM-DD`; default: today in UTC. Exit code 1, with a sentence for each fault, if the package is not ready.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const unreleased = '## [Unreleased]\n';

type Manifest = Readonly<Record<'version', string> & Partial<Record<'repository' | 'bugs' | 'homepage', unknown>>>;

function manifest(): Manifest {
  return JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
}

function run(command: string, ...args: readonly string[]): { readonly ok: boolean; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return { ok: status === 0, output: status === 0 ? stdout : `${stdout}${stderr}`.trim() };
}

/** The files that differ from the last commit, untracked ones too. */
function changedFiles(): readonly string[] {
  const { ok, output } = run('git', 'status', '--porcelain');
  if (!ok) throw new Error(output);
  return output.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(3)]));
}

/** What must be put right first, as sentences. `next` is the version that npm is about to set, if it says so. */
function faults(next: string | undefined): readonly string[] {
  return [
    ...addressFaults(manifest()),
    ...changelogFaults(readFileSync('CHANGELOG.md', 'utf8'), next),
    ...tagFaults(next),
    ...treeFaults(),
  ];
}

function addressFaults(found: Manifest): readonly string[] {
  const missing = (['repository', 'bugs', 'homepage'] as const).filter((field) => !isAddress(found[field]));
  if (missing.length === 0) return [];
  return [
    `package.json has no ${missing.join(', no ')}. Add where users find the source, report bugs and read about the package.`,
  ];
}

/** npm takes a text, or an object with an address in it. */
function isAddress(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  if (typeof value !== 'object' || value === null) return false;
  return ['url', 'email'].some((key) => isAddress(Reflect.get(value, key)));
}

function changelogFaults(changelog: string, next: string | undefined): readonly string[] {
  const start = changelog.indexOf(unreleased);
  if (start === -1) return ['CHANGELOG.md has no section "[Unreleased]".'];
  const [entries = ''] = changelog.slice(start + unreleased.length).split(/^## /m);
  if (!/^- /m.test(entries)) {
    return ['CHANGELOG.md has no entry under "[Unreleased]". Write down what users will notice.'];
  }
  return next !== undefined && changelog.includes(`\n## [${next}]`)
    ? [`CHANGELOG.md already has a section for ${next}.`]
    : [];
}

function tagFaults(next: string | undefined): readonly string[] {
  if (next === undefined || !run('git', 'rev-parse', '--quiet', '--verify', `refs/tags/v${next}`).ok) return [];
  return [`The tag v${next} already exists.`];
}

/** A generated file can be compared with its commit only if nothing else has changed. */
function treeFaults(): readonly string[] {
  const changed = changedFiles();
  if (changed.length > 0) return [`These files differ from the last commit: ${changed.join(', ')}.`];
  const generate = run('npm', 'run', 'generate');
  if (!generate.ok) return [`npm run generate fails: ${generate.output}`];
  const stale = changedFiles();
  return stale.length === 0 ? [] : [`Generated files were not current: ${stale.join(', ')}. Commit the new ones.`];
}

/** Moves the entries of the changelog under the new version. A README that shows `rev: …` shows the new tag. */
function write(version: string, date: string): void {
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  writeFileSync('CHANGELOG.md', changelog.replace(unreleased, `${unreleased}\n## [${version}] - ${date}\n`));
  const files = ['CHANGELOG.md'];
  if (existsSync('README.md')) {
    writeFileSync('README.md', readFileSync('README.md', 'utf8').replace(/^( *rev: ).*$/gm, `$1v${version}`));
    files.push('README.md');
  }
  const { ok, output } = run('git', 'add', ...files);
  if (!ok) throw new Error(output);
}

const [command, date = new Date().toISOString().slice(0, 10)] = process.argv.slice(2);
if (command === 'check') {
  const found = faults(process.env['npm_new_version']);
  for (const fault of found) console.error(`release: ${fault}`);
  if (found.length > 0) process.exitCode = 1;
} else if (command === 'write' && /^\d{4}-\d{2}-\d{2}$/.test(date)) write(manifest().version, date);
else {
  console.error('usage: node build/release.ts check | write [YYYY-MM-DD]');
  process.exitCode = 2;
}
