import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Runs a command and returns its stdout. Throws an error with its output if it fails. */
function run(cwd: string, command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  expect(status, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

describe('the packed package', () => {
  let folder = '';
  let tarball = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'packed-'));
    run(root, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder);
    tarball = join(folder, globSync('*.tgz', { cwd: folder })[0] ?? '');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('passes publint', () => {
    run(root, join(root, 'node_modules/.bin/publint'), 'run', tarball, '--strict');
  });

  it('gives TypeScript the types of every entry point', () => {
    run(root, join(root, 'node_modules/.bin/attw'), tarball, '--profile', 'esm-only');
  });

  it('holds the command, the types, the schemas, the docs, the examples and the changelog, and no source or test', () => {
    const names = run(folder, 'tar', '-tzf', tarball).trim().split('\n');
    expect(names).toEqual(
      expect.arrayContaining([
        'package/CHANGELOG.md',
        'package/LICENSE',
        'package/README.md',
        'package/SECURITY.md',
        'package/dist/cli/bin.js',
        'package/dist/index.d.ts',
        'package/docs/getting-started.md',
        'package/examples/swarm-manager.ts',
        'package/schemas/scan.json',
      ]),
    );
    expect(names.filter((name) => /^package\/(src|test|build|bench)\//.test(name))).toEqual([]);
  });

  it('installs into an empty project, where its entry points can be imported and its command runs', () => {
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    run(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball);
    writeFileSync(
      join(project, 'use.js'),
      `import { readFileSync } from 'node:fs';
       import { readRegistry } from 'problem-registry';
       import 'problem-registry/remediation';
       import 'problem-registry/remark';
       import 'problem-registry/swarm';
       import 'problem-registry/testing';
       console.log(readRegistry(readFileSync(process.argv[2], 'utf8')).records.length);`,
    );
    const registry = join(root, 'fixtures/resources/postgres/PROBLEMS.md');
    expect(run(project, process.execPath, 'use.js', registry)).toBe('10\n');
    const command = join(project, 'node_modules/problem-registry/dist/cli/bin.js');
    expect(run(project, process.execPath, command, 'scan', join(root, 'fixtures'))).toContain('resolution');
    cpSync(join(root, 'examples/swarm-manager.ts'), join(project, 'swarm-manager.ts'));
    cpSync(registry, join(project, 'PROBLEMS.md'));
    const nowhere = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
    const told = spawnSync(process.execPath, ['swarm-manager.ts'], { cwd: project, env: nowhere, encoding: 'utf8' });
    expect(told).toMatchObject({ status: 0, stderr: '' });
    expect(told.stdout).toMatch(/^1 registries, \d+ tasks/);
    expect(told.stdout).toContain('instances were not repaired: ');
  });
});
