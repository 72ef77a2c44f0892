import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Bill {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly hashes: readonly unknown[];
  }[];
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: true; readonly hasInstallScript?: true }>>;
}

describe('the bill of materials', () => {
  const bill = JSON.parse(execFileSync(process.execPath, ['build/sbom.ts'], { cwd: root, encoding: 'utf8' })) as Bill;
  const names = bill.components.map(({ name }) => name);
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);

  it('names what users install and what dist contains, with hashes, and no tool', () => {
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'problem-registry' } } });
    expect(names).toEqual(
      expect.arrayContaining(['pg', 'zod', 'js-yaml', 'commander', 'remark-parse', 'string-width']),
    );
    expect(names.filter((name) => ['vitest', 'dockerode', 'ssh2', 'protobufjs', 'oxlint'].includes(name))).toEqual([]);
    expect(bill.components.filter(({ hashes }) => hashes.length === 0)).toEqual([]);
  });

  it('holds every package that is installed, of which none has an install script', () => {
    const paths = installed.map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(paths.filter((path) => !names.includes(path))).toEqual([]);
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
    expect(installed.length).toBeLessThanOrEqual(20);
  });
});
