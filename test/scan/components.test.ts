import { describe, expect, it } from 'vitest';
import { isValidId } from '../../src/registry/identity.ts';
import { componentName } from '../../src/scan/components.ts';
import { found, record, tree } from './tree.ts';
import fc from 'fast-check';

const registry = record('r');

describe('the component of a registry', () => {
  it('is the folder of the registry; the parent folder for docs; and a fixed name for the root', async () => {
    const root = tree({
      'PROBLEMS.md': registry,
      'resources/postgres/PROBLEMS.md': registry,
      'mail/docs/PROBLEMS.md': registry,
      'mail/Docs/inner/PROBLEMS.md': registry,
    });
    expect(await found(root)).toEqual({
      'PROBLEMS.md': 'root',
      'mail/Docs/inner/PROBLEMS.md': 'inner',
      'mail/docs/PROBLEMS.md': 'mail',
      'resources/postgres/PROBLEMS.md': 'postgres',
    });
    expect(await found(root, { rootComponent: 'shop' }, ['PROBLEMS.md'])).toEqual({ 'PROBLEMS.md': 'shop' });
  });

  it('is that of the root for docs at the root', async () => {
    expect(await found(tree({ 'docs/PROBLEMS.md': registry }))).toEqual({ 'docs/PROBLEMS.md': 'root' });
  });

  it('gets parent folders in front if two folders have the same name, until they differ', async () => {
    const root = tree({
      'resources/x/PROBLEMS.md': registry,
      'scenarios/x/PROBLEMS.md': registry,
      'a/b/y/PROBLEMS.md': registry,
      'c/b/y/PROBLEMS.md': registry,
      'z/PROBLEMS.md': registry,
    });
    expect(Object.values(await found(root))).toEqual(['a/b/y', 'c/b/y', 'resources/x', 'scenarios/x', 'z']);
  });

  it('does not depend on the scanned folder, or on files without markers', async () => {
    const files = {
      'x/PROBLEMS.md': registry,
      'a/x/PROBLEMS.md': registry,
      'a/y/PROBLEMS.md': registry,
      'b/y/PROBLEMS.md': 'Prose.\n',
    };
    const inner = await found(tree(files));
    const outer = await found(
      tree(Object.fromEntries(Object.entries(files).map(([path, text]) => [`t/${path}`, text]))),
      {},
      ['t'],
    );
    expect(Object.values(inner)).toEqual(['a/x', 'y', 'x']);
    expect(Object.values(outer)).toEqual(Object.values(inner));
  });

  it('contains the name of the root if several roots are scanned', async () => {
    const root = tree({ 'a/PROBLEMS.md': registry, 'b/PROBLEMS.md': registry, 'b/c/PROBLEMS.md': registry });
    expect(await found(root, {}, ['a', 'b'])).toEqual({
      'a/PROBLEMS.md': 'a',
      'b/PROBLEMS.md': 'b',
      'b/c/PROBLEMS.md': 'c',
    });
  });

  it('is made unique with folder names for a path that leads up, but with none above the topmost', async () => {
    const root = tree({ 'in/a.md': registry, 'in/x/PROBLEMS.md': registry, 'in/x/y/PROBLEMS.md': registry });
    const x = `${root}/in/x`;
    expect(await found(x, {}, ['../a.md'])).toEqual({ '../a.md': 'root' });
    expect(await found(x, {}, ['../a.md', 'PROBLEMS.md'])).toEqual({ '../a.md': 'root', 'PROBLEMS.md': 'x' });
    expect(await found(x, {}, ['../a.md', 'PROBLEMS.md', '../../in/x/y'])).toEqual({
      '../a.md': 'root',
      'PROBLEMS.md': 'x',
      'y/PROBLEMS.md': 'y',
    });
    expect(await found(`${x}/y`, {}, ['../PROBLEMS.md', 'PROBLEMS.md', '../../a.md'])).toEqual({
      '../../a.md': 'root',
      '../PROBLEMS.md': 'x',
      'PROBLEMS.md': 'y',
    });
  });

  it('differs for a scanned folder and a file next to it', async () => {
    const root = tree({ 'a/PROBLEMS.md': registry, 'PROBLEMS.md': registry });
    expect(await found(root, {}, ['a', 'PROBLEMS.md'])).toEqual({ 'PROBLEMS.md': 'root', 'a/PROBLEMS.md': 'a' });
  });

  it('is the name that the config gives to the file or its folder, relative to the config', async () => {
    const root = tree({
      'sub/PROBLEMS.md': registry,
      'sub/x/PROBLEMS.md': registry,
      'sub/y/docs/PROBLEMS.md': registry,
      'sub/z/PROBLEMS.md': registry,
    });
    const components = { 'sub/': 'shop', './sub/x/PROBLEMS.md': 'ex', 'sub/y': 'why', toString: 'no' };
    expect(await found(`${root}/sub`, { components, configFolder: root })).toEqual({
      'PROBLEMS.md': 'shop',
      'x/PROBLEMS.md': 'ex',
      'y/docs/PROBLEMS.md': 'why',
      'z/PROBLEMS.md': 'z',
    });
  });

  it('gets a number if names differ only in characters that ids cannot contain', async () => {
    const root = tree({ 'a b/PROBLEMS.md': registry, 'a\tb/PROBLEMS.md': registry, 'a-b/PROBLEMS.md': registry });
    expect(await found(root)).toEqual({
      'a\tb/PROBLEMS.md': 'a-b',
      'a b/PROBLEMS.md': 'a-b-2',
      'a-b/PROBLEMS.md': 'a-b-3',
    });
  });

  it('is always a valid part of an id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const component = componentName(name);
        expect(isValidId(component)).toBe(true);
        expect(component).not.toContain('/');
      }),
    );
  });
});
