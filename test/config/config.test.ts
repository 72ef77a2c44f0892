import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { defaultPrioritySettings } from '../../src/priority/index.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'config-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Makes `root` the root of a repository. */
function repository(): void {
  mkdirSync(join(root, '.git'));
}

describe('the search for a config', () => {
  it('uses every default if it finds no config', async () => {
    expect(await loadConfig(root)).toEqual({
      file: undefined,
      folder: root,
      components: {},
      ignore: [],
      priority: defaultPrioritySettings,
      triage: {},
      tasksDir: undefined,
      swarm: {},
      learning: {},
      remediation: {},
      plugins: [],
      service: {},
    });
  });

  it('goes up to the root of the repository, and the nearest config applies', async () => {
    repository();
    write('problems.config.yaml', 'ignore: [outer]');
    write('a/problems.config.json', '{ "ignore": ["inner"] }');
    mkdirSync(join(root, 'a/b/c'), { recursive: true });
    mkdirSync(join(root, 'z'));
    expect((await loadConfig(join(root, 'a/b/c'))).ignore).toEqual(['inner']);
    expect((await loadConfig(join(root, 'z'))).ignore).toEqual(['outer']);
  });

  it('does not go beyond the root of the repository', async () => {
    write('problems.config.yaml', 'ignore: [outer]');
    mkdirSync(join(root, 'a/.git'), { recursive: true });
    expect((await loadConfig(join(root, 'a'))).file).toBeUndefined();
  });

  it('checks only the folder itself if no folder above it is a repository', async () => {
    write('problems.config.yaml', 'ignore: [outer]');
    mkdirSync(join(root, 'a'));
    expect((await loadConfig(join(root, 'a'))).file).toBeUndefined();
    expect((await loadConfig(root)).ignore).toEqual(['outer']);
  });

  it('refuses two configs in one folder', async () => {
    write('problems.config.yaml', '{}');
    write('problems.config.json', '{}');
    await expect(loadConfig(root)).rejects.toMatchObject({ code: 'bad-config', hint: 'Keep one of the two.' });
  });

  it('reads only the file that it is given', async () => {
    write('problems.config.yaml', 'ignore: [one]');
    write('other.yaml', 'ignore: [two]');
    expect((await loadConfig(root, { file: 'other.yaml' })).ignore).toEqual(['two']);
    await expect(loadConfig(root, { file: 'none.yaml' })).rejects.toMatchObject({ code: 'bad-config' });
  });
});

describe('the formats of a config', () => {
  it.each([
    ['json', '{ "$schema": "x", "components": { ".": "app" } }'],
    ['yaml', 'components:\n  .: app\n'],
    ['yml', '\uFEFFcomponents:\n  .: app\n'],
    ['js', "export default { components: { '.': 'app' } };"],
    ['mjs', "export default { components: { '.': 'app' } };"],
    ['ts', "const name: string = 'app';\nexport default { components: { '.': name } };"],
  ])('reads problems.config.%s', async (extension, text) => {
    write('package.json', '{ "type": "module" }');
    write(`problems.config.${extension}`, text);
    expect((await loadConfig(root, { trust: 'given' })).components).toEqual({ '.': 'app' });
  });

  it('reads an empty file as no settings', async () => {
    write('problems.config.yaml', '# nothing yet\n');
    expect((await loadConfig(root)).ignore).toEqual([]);
  });

  it.each([
    ['json', '{ "ignore": [', 'problems.config.json cannot be read'],
    ['yaml', 'ignore: [a, b', 'problems.config.yaml cannot be read'],
    ['yaml', 'a: &a [x]\nignore: *a', 'problems.config.yaml cannot be read'],
    ['yaml', 'ignore: !!js/function "x"', 'problems.config.yaml cannot be read'],
    ['yaml', `${'['.repeat(40)}${']'.repeat(40)}`, 'problems.config.yaml cannot be read'],
    ['yaml', 'ignore: [a]\n---\nignore: [b]', 'more than one document'],
    ['yaml', `# ${'x'.repeat(300_000)}`, 'larger than'],
    ['mjs', 'export const config = {};', 'has no default export'],
    ['mjs', 'throw new Error("no\\nway");', 'problems.config.mjs cannot be read: no'],
  ])('refuses a bad problems.config.%s: %s', async (extension, text, message) => {
    write(`problems.config.${extension}`, text);
    const error: unknown = await loadConfig(root, { trust: 'given' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'bad-config', message: expect.stringContaining(message) });
  });
});

describe('the contents of a config', () => {
  it('set some settings and leave the others at their defaults', async () => {
    write(
      'problems.config.yaml',
      `
priority:
  profile: elastic
  urgency: { critical: 8 }
  bands: { critical: 30 }
triage:
  problems: { postgres/port-allocation-conflicts: human }
  classes: { permissions: auto }
tasks: { dir: work/tasks }
remediation: { anything: { it: likes } }
plugins: [./plugins/mine.js]
`,
    );
    expect(await loadConfig(root, { trust: 'given' })).toMatchObject({
      priority: {
        ...defaultPrioritySettings,
        profile: 'elastic',
        urgency: { ...defaultPrioritySettings.urgency, critical: 8 },
        bands: { ...defaultPrioritySettings.bands, critical: 30 },
      },
      triage: { problems: { 'postgres/port-allocation-conflicts': 'human' }, classes: { permissions: 'auto' } },
      tasksDir: join(root, 'work/tasks'),
      remediation: { anything: { it: 'likes' } },
      plugins: ['./plugins/mine.js'],
    });
  });

  it.each([
    ['compnents: {}', 'compnents is not a known key', 'Did you mean components?'],
    ['priority: { bands: { hihg: 9 } }', 'priority.bands.hihg is not a known key', 'Did you mean high?'],
    ['zzzzzzzzz: 1', 'zzzzzzzzz is not a known key', 'Known here: $schema, components,'],
    ['priority: { profile: fast }', 'priority.profile: ', undefined],
    ['priority: { urgency: { high: 0 } }', 'priority.urgency.high: ', undefined],
    ['priority: { urgency: { high: .nan } }', 'priority.urgency.high: ', undefined],
    ['ignore: examples', 'ignore: ', undefined],
    ['ignore: [1]', 'ignore.0: ', undefined],
    ['triage: { classes: { netwrk: auto } }', 'triage.classes.netwrk is not a known key', 'Did you mean network?'],
    ['triage: { classes: { network: always } }', 'triage.classes.network: ', undefined],
    ['components: { .: ../up }', 'components..: ', undefined],
    ['just text', 'the whole file: ', undefined],
  ])('are refused for %s, with the name of the key', async (text, message, hint) => {
    write('problems.config.yaml', text);
    const error: unknown = await loadConfig(root, { trust: 'given' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining(`problems.config.yaml: ${message}`),
      hint: expect.stringContaining(hint ?? 'docs/configuration.md'),
    });
  });

  it('name the first fault and count the others', async () => {
    write('problems.config.yaml', 'ignore: examples\ntasks: 3\n');
    await expect(loadConfig(root)).rejects.toThrow(/found "examples" \(and 1 more\)$/);
  });

  it('are refused if they contain priority settings that cannot rank anything', async () => {
    write('problems.config.yaml', 'priority: { bands: { critical: 1 } }');
    await expect(loadConfig(root)).rejects.toMatchObject({ code: 'bad-config' });
  });
});
