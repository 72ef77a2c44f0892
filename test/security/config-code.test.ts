import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { type Folder, run, temporaryFolder } from '../cli/run.ts';
import { record } from '../scan/tree.ts';

const asRoot = process.geteuid?.() === 0;

/** A program that leaves a file behind when it runs. */
function leaving(folder: string, value: string): string {
  return `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(folder, 'ran'))}, '');\nexport default ${value};\n`;
}

function ran(folder: Folder): boolean {
  return existsSync(join(folder.path, 'ran'));
}

/** A repository whose config is a program. */
function withCode(): Folder {
  const folder = temporaryFolder({ 'PROBLEMS.md': record('One'), '.git/HEAD': '' });
  folder.write('problems.config.mjs', leaving(folder.path, "{ components: { '.': 'mine' } }"));
  return folder;
}

/** A repository whose config is data and names a plugin. */
function withPlugin(): Folder {
  const folder = temporaryFolder({
    'PROBLEMS.md': record('One'),
    '.git/HEAD': '',
    'problems.config.yaml': 'plugins: [./plugin.mjs]\n',
  });
  folder.write('plugin.mjs', leaving(folder.path, '{ apiVersion: 1 }'));
  return folder;
}

/** The user's own settings for this test, and no sign of git or pre-commit. */
function settings(text: string | undefined, environment: Readonly<Record<string, string>> = {}): string {
  const home = temporaryFolder(text === undefined ? {} : { 'problems/config.yaml': text });
  const names = ['XDG_CONFIG_HOME', 'GIT_EXEC_PATH', 'GIT_INDEX_FILE', 'PRE_COMMIT'];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, { XDG_CONFIG_HOME: home.path, ...environment });
  onTestFinished(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await home[Symbol.asyncDispose]();
  });
  return join(home.path, 'problems/config.yaml');
}

const commands = ['scan', 'explain one', 'show one', 'completion bash --list records', 'detect', 'runs'];

describe('code of a config that the user has not trusted', () => {
  it.each([...commands, 'validate'])('does not run: problems %s', async (line) => {
    settings(undefined);
    await using folder = withCode();
    const ended = await run(line.split(' '), { cwd: folder.path });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('problems.config.mjs is a program') });
    expect(ended.stderr).toContain('problems.config.yaml');
    expect(ran(folder)).toBe(false);
  });

  it.each(commands)('does not run from a plugin that data names: problems %s', async (line) => {
    settings(undefined);
    await using folder = withPlugin();
    const ended = await run(line.split(' '), { cwd: folder.path });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('pass --trust-config') });
    expect(ran(folder)).toBe(false);
  });

  it('is left out by validate if it is a plugin, which validate does not need', async () => {
    settings(undefined);
    await using folder = withPlugin();
    expect(await run(['validate'], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect(ran(folder)).toBe(false);
  });

  it('does not run for a caller of the library either', async () => {
    settings(undefined);
    await using folder = withCode();
    await expect(loadConfig(folder.path)).rejects.toMatchObject({ code: 'bad-config' });
    await expect(loadConfig(folder.path, { trust: 'never' })).rejects.toMatchObject({ code: 'bad-config' });
    expect(ran(folder)).toBe(false);
  });
});

describe('code of a config', () => {
  it.each([withCode, withPlugin])('runs if the command line says so (%o)', async (make) => {
    settings(undefined);
    await using folder = make();
    expect(await run(['scan', '--trust-config'], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect(ran(folder)).toBe(true);
  });

  it("runs if its folder, or one above it, is in the user's list", async () => {
    await using folder = withPlugin();
    settings(`trust: { folders: [${folder.path}] }\n`);
    expect((await loadConfig(folder.path)).plugins).toEqual(['./plugin.mjs']);
    await using other = withPlugin();
    await expect(loadConfig(other.path)).rejects.toMatchObject({ code: 'bad-config' });
  });

  it('runs if its digest is listed, until it changes; plugins need a folder', async () => {
    await using folder = withCode();
    const text = "export default { ignore: ['a'] };\n";
    folder.write('problems.config.mjs', text);
    const digest = createHash('sha256').update(text).digest('hex');
    settings(`trust: { digests: ['sha256:${digest}'] }\n`);
    expect((await loadConfig(folder.path)).ignore).toEqual(['a']);
    folder.write('problems.config.mjs', `${text}// more\n`);
    await expect(loadConfig(folder.path)).rejects.toMatchObject({ code: 'bad-config' });
  });

  it.each(['GIT_EXEC_PATH', 'GIT_INDEX_FILE', 'PRE_COMMIT'])(
    'never runs when git or a hook calls, whatever is trusted: %s',
    async (name) => {
      await using folder = withCode();
      settings(`trust: { folders: [${folder.path}] }\n`, { [name]: '1' });
      const ended = await run(['scan', '--trust-config'], { cwd: folder.path });
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(`${name} is set`) });
      expect(ran(folder)).toBe(false);
    },
  );

  it.runIf(asRoot).each(['problems.config.mjs', '.', '.git'])('never runs if another user owns %s', async (name) => {
    settings(undefined);
    await using folder = withCode();
    chownSync(join(folder.path, name), 12_345, 12_345);
    const ended = await run(['scan', '--trust-config'], { cwd: folder.path });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('belongs to another user (uid 12345)') });
    expect(ran(folder)).toBe(false);
  });

  it.each(['problems.config.mjs', '.', '.git'])('never runs if everybody may write to %s', async (name) => {
    settings(undefined);
    await using folder = withCode();
    chmodSync(join(folder.path, name), 0o777);
    const ended = await run(['scan', '--trust-config'], { cwd: folder.path });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('can be written by everybody') });
    expect(ran(folder)).toBe(false);
  });

  it('never runs through a link to a folder that everybody may write to', async () => {
    settings(undefined);
    await using folder = withCode();
    mkdirSync(join(folder.path, 'open'));
    folder.write('open/real.mjs', leaving(folder.path, '{}'));
    chmodSync(join(folder.path, 'open'), 0o777);
    await using linked = temporaryFolder();
    symlinkSync(join(folder.path, 'open/real.mjs'), join(linked.path, 'problems.config.mjs'));
    await expect(loadConfig(linked.path, { trust: 'given' })).rejects.toThrow('can be written by everybody');
    expect(ran(folder)).toBe(false);
  });

  it('of a plugin package that everybody may replace does not run', async () => {
    settings(undefined);
    await using folder = temporaryFolder({
      'problems.config.yaml': 'plugins: [planted]\n',
      'PROBLEMS.md': record('One'),
    });
    folder.write('node_modules/planted/index.mjs', leaving(folder.path, '{ apiVersion: 1 }'));
    folder.write('node_modules/planted/package.json', '{ "name": "planted", "exports": "./index.mjs" }');
    chmodSync(join(folder.path, 'node_modules/planted'), 0o777);
    const ended = await run(['detect', '--trust-config'], { cwd: folder.path });
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('planted is not loaded, but its folder') });
    expect(ran(folder)).toBe(false);
  });
});

describe('the list of what is trusted', () => {
  it('is refused if everybody may write it, or if it is not valid', async () => {
    await using folder = withCode();
    const file = settings(`trust: { folders: [${folder.path}] }\n`);
    chmodSync(file, 0o666);
    await expect(loadConfig(folder.path)).rejects.toThrow('can be written by everybody');
    chmodSync(file, 0o600);
    writeFileSync(file, 'trust: { folder: [/] }\n');
    await expect(loadConfig(folder.path)).rejects.toMatchObject({ hint: 'Did you mean folders?' });
    writeFileSync(file, 'trust: { folders: [.] }\n');
    await expect(loadConfig(folder.path)).rejects.toThrow('you have not said that you trust it');
    expect(ran(folder)).toBe(false);
  });
});

describe('a config of data that another user has left', () => {
  it.runIf(asRoot)('does not decide about repairs, unless it is named', async () => {
    settings(undefined);
    await using folder = temporaryFolder({ 'problems.config.yaml': 'remediation: {}\n', 'PROBLEMS.md': record('One') });
    chownSync(join(folder.path, 'problems.config.yaml'), 12_345, 12_345);
    const found = await run(['detect'], { cwd: folder.path });
    expect(found.stderr).toContain('problems.config.yaml is not used, but the file belongs to another user');
    const named = await run(['detect', '--config', 'problems.config.yaml'], { cwd: folder.path });
    expect(named.stderr).toContain('Docker');
    expect(await run(['validate'], { cwd: folder.path })).toMatchObject({ code: 0 });
  });

  it('does not decide about repairs if its folder is open to everybody', async () => {
    settings(undefined);
    await using folder = temporaryFolder({ 'problems.config.yaml': 'remediation: {}\n' });
    chmodSync(folder.path, 0o1777);
    const found = await run(['runs'], { cwd: folder.path });
    expect(found).toMatchObject({ code: 2, stderr: expect.stringContaining('its folder can be written by everybody') });
  });
});
