import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md', '.github/**/*.md'], { cwd: root }).toSorted();
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** What the first group of a pattern matches in each file. */
function namedIn(pattern: RegExp, files = pages): readonly { readonly file: string; readonly name: string }[] {
  return files.flatMap((file) => [...textOf(file).matchAll(pattern)].map((match) => ({ file, name: match[1] ?? '' })));
}

describe('the pages of the repository', () => {
  it('link to files that exist', () => {
    const links = namedIn(/\]\((?![a-z]+:|#)([^)#\s]+)/g);
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ file, name }) => !existsSync(join(root, dirname(file), name)))).toEqual([]);
  });

  it('name scripts that package.json has', () => {
    const named = namedIn(/\bnpm run (?!-)([\w:-]+)/g);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ name }) => !(name in scripts))).toEqual([]);
  });

  it('include every page that comments in the sources name', () => {
    const sources = globSync(['src/**/*.ts', 'build/**/*.ts', 'bench/**/*.ts'], { cwd: root });
    const named = namedIn(/\b(docs\/[a-z/-]+\.md)\b/g, sources);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ name }) => !existsSync(join(root, name)))).toEqual([]);
  });

  it('name tests that exist', () => {
    const named = namedIn(/`(test\/[\w./-]+)`/g);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ name }) => !existsSync(join(root, name)))).toEqual([]);
  });

  it('show the pre-commit hook only for versions in the changelog', () => {
    const tags = [...textOf('README.md').matchAll(/^ *rev: v(\S+)/gm)].map((match) => match[1] ?? '');
    expect(tags.filter((tag) => !textOf('CHANGELOG.md').includes(`\n## [${tag}]`))).toEqual([]);
  });
});

describe('the CI workflow', () => {
  const workflow = load(textOf('.github/workflows/ci.yml')) as {
    readonly on: Readonly<Record<string, unknown>>;
    readonly jobs: Readonly<
      Record<string, { readonly steps: readonly { readonly run?: string; readonly uses?: string }[] }>
    >;
  };
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  it('runs on pushes, pull requests and every night', () => {
    expect(Object.keys(workflow.on)).toEqual(expect.arrayContaining(['push', 'pull_request', 'schedule']));
  });

  it('runs the script that contributors run, in both its forms', () => {
    expect(textOf('.ci/run')).toContain("'usage: .ci/run [quick]'");
    const runs = steps.flatMap(({ run = '' }) => (run.startsWith('.ci/') ? [run] : []));
    expect(runs.toSorted()).toEqual(['.ci/run', '.ci/run quick']);
  });

  it('pins third-party actions to commits', () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });
});
