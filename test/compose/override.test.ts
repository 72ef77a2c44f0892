import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readComposeFile, withEdits } from '../../src/compose/document.ts';
import { inOneLine, newOverride, overrideEdits, overridePlace, statedBy } from '../../src/compose/override.ts';

const memory = { service: 'db', key: 'mem_limit', value: '768m' };

function place(files: readonly string[], { names = [], env }: { names?: readonly string[]; env?: string } = {}) {
  const project = { name: 'shop', folder: '/p', files: files.map((file) => `/p/${file}`), environmentFile: null };
  const environment = env === undefined ? undefined : { path: '/p/.env', text: env };
  return overridePlace(project, { files: [], environment }, names);
}

describe('the override file of a project', () => {
  it.each([
    ['compose.yaml', 'compose.override.yaml'],
    ['docker-compose.yml', 'docker-compose.override.yml'],
  ])('of %s is %s beside it, which Compose finds by itself', (file, made) => {
    expect(place([file])).toEqual({ type: 'file', path: `/p/${made}`, isNew: true });
  });

  it('is the one that the project has, wherever it is', () => {
    expect(place(['base.yml', 'live.override.yml'])).toEqual({
      type: 'file',
      path: '/p/live.override.yml',
      isNew: false,
    });
  });

  it.each([
    ['has another name', ['shop.yml'], {}, '-f /p/shop.yml -f /p/shop.override.yml'],
    ['is in another folder', ['deploy/compose.yaml'], {}, '-f /p/deploy/compose.yaml -f /p/compose.override.yaml'],
    [
      'is one of several',
      ['compose.yaml', 'live.yml'],
      {},
      '-f /p/compose.yaml -f /p/live.yml -f /p/compose.override.yaml',
    ],
    ['is named in .env', ['compose.yaml'], { env: 'COMPOSE_FILE=compose.yaml\n' }, /^-f/],
    [
      'has an override that the container was not created with',
      ['compose.yaml'],
      { names: ['docker-compose.override.yml'] },
      '-f /p/compose.yaml -f /p/docker-compose.override.yml',
    ],
  ] as const)('would not be read if the file %s, so every file is named', (_title, files, more, options) => {
    expect(place(files, more)).toMatchObject({
      type: 'refused',
      options: typeof options === 'string' ? options : expect.stringMatching(options),
    });
  });
});

describe('what an override states', () => {
  it('is a new file with nothing but the change', () => {
    const network = {
      ...memory,
      key: 'networks',
      value: { data: {} },
      section: 'networks',
      entries: { data: { external: true } },
    };
    expect(newOverride(memory, 'compose.yaml')).toBe(
      '# Made by problems. Compose reads it after compose.yaml.\nservices:\n  db:\n    mem_limit: 768m\n',
    );
    expect(parse(newOverride(network, 'compose.yaml'))).toEqual({
      services: { db: { networks: { data: {} } } },
      networks: { data: { external: true } },
    });
    expect(inOneLine(network)).toBe('{services: {db: {networks: {data: {}}}}, networks: {data: {external: true}}}');
  });

  it.each<[string, string]>([
    ['services:\n  db:\n    image: x # ours\n', 'services:\n  db:\n    mem_limit: 768m\n    image: x # ours\n'],
    ['services:\n  app: {}\n', 'services:\n  db: {mem_limit: 768m}\n  app: {}\n'],
    ['volumes:\n  a:\n', 'volumes:\n  a:\nservices:\n  db: {mem_limit: 768m}\n'],
  ])('is added to %j, and every other byte stays', async (text, wanted) => {
    const compose = await readComposeFile({ path: '/p/c.yml', text });
    if (typeof compose === 'string') throw new Error(compose);
    expect(withEdits(text, overrideEdits(compose, memory) ?? [])).toBe(wanted);
  });

  it('is added nowhere if the file states the key already', async () => {
    const compose = await readComposeFile({ path: '/p/c.yml', text: 'services: {db: {mem_limit: 1g}}\n' });
    expect(typeof compose === 'string' ? compose : overrideEdits(compose, memory)).toBeUndefined();
  });

  it('is what the client says differs: of a mapping the new entries, of all else the whole', () => {
    const config = (networks: object, command: readonly string[]) =>
      JSON.parse(JSON.stringify({ services: { db: { networks, command } } }));
    const [before, after] = [
      config({ a: null, b: null }, ['x']),
      config({ a: null, b: { aliases: ['c'] } }, ['x', '$$y']),
    ];
    expect(statedBy({ before, after }, { service: 'db', key: 'networks' }).value).toEqual({ b: { aliases: ['c'] } });
    expect(newOverride(statedBy({ before, after }, { service: 'db', key: 'command' }), 'c')).toContain(
      '    command: [x, "$$y"]\n',
    );
  });
});
