import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readComposeFile } from '../../src/compose/document.ts';
import { composeOutput, differingPaths } from '../../src/compose/output.ts';
import { profilesOf, serviceOf, unsafeSource } from '../../src/compose/project.ts';
import { interpolated, readEnvironment, referencesIn } from '../../src/compose/variables.ts';

const hash = 'a'.repeat(64);
const label = 'com.docker.compose.';
const labels = {
  [`${label}project`]: 'shop',
  [`${label}project.working_dir`]: '/srv/shop',
  [`${label}project.config_files`]: 'docker-compose.yml,/srv/shop/prod.yml',
  [`${label}service`]: 'db',
  [`${label}config-hash`]: hash,
};

describe('the labels of Compose', () => {
  it('name the project, its files and the service', () => {
    expect(serviceOf(labels)).toEqual({
      name: 'shop',
      folder: '/srv/shop',
      files: ['/srv/shop/docker-compose.yml', '/srv/shop/prod.yml'],
      environmentFile: null,
      service: 'db',
      hash,
    });
    expect(serviceOf({ ...labels, [`${label}project.environment_file`]: 'prod.env' })).toMatchObject({
      environmentFile: '/srv/shop/prod.env',
    });
  });

  it.for([
    ['a project that is an option', { [`${label}project`]: '--help' }],
    ['a service that is an option', { [`${label}service`]: '--rmi' }],
    ['a folder that is relative', { [`${label}project.working_dir`]: 'shop' }],
    ['no files', { [`${label}project.config_files`]: '' }],
    ['more files than a project has', { [`${label}project.config_files`]: 'a,'.repeat(30) }],
  ] as const)('tell nothing with %s', ([, changed]) => {
    expect(serviceOf({ ...labels, ...changed })).toBeUndefined();
  });

  it.each(Object.keys(labels))('tell nothing without %s', (name) => {
    expect(serviceOf(Object.fromEntries(Object.entries(labels).filter(([key]) => key !== name)))).toBeUndefined();
  });
});

describe('a project that reads more than its own files', () => {
  async function unsafe(text: string, environment?: string): Promise<string | undefined> {
    const file = await readComposeFile({ path: '/srv/shop/docker-compose.yml', text });
    if (typeof file === 'string') throw new Error(file);
    const env = environment === undefined ? undefined : { path: '/srv/shop/.env', text: environment };
    return unsafeSource({ files: [file], environment: env });
  }

  it.for([
    ['include: [other.yml]\nservices: {db: {}}\n', undefined, /includes/],
    ['services: {db: {extends: {file: "https://example.com/x.git", service: a}}}\n', undefined, /another file/],
    ['services: {db: {extends: {file: base.yml, service: a}}}\n', undefined, /another file/],
    ['x-s: &s {db: {extends: {file: x, service: a}}}\nservices: {<<: *s}\n', undefined, /another file/],
    ['x-e: &e {file: x, service: a}\nservices: {db: {extends: *e}}\n', undefined, /another file/],
    ['services: {db: {}}\n', 'DOCKER_HOST=tcp://192.0.2.1:2375\n', /another engine/],
  ] as const)('is not given to the client: %j', async ([text, environment, reason]) => {
    expect(await unsafe(text, environment)).toMatch(reason);
  });

  it('is given to it if it only extends a service of its own files', async () => {
    expect(await unsafe('services: {db: {extends: {service: a}}, a: {}}\n', 'A=1\n')).toBeUndefined();
  });

  it('has the profiles of its service', async () => {
    const file = await readComposeFile({ path: '/c.yml', text: 'services: {db: {profiles: [data, "--x"]}}\n' });
    if (typeof file === 'string') throw new Error(file);
    expect(profilesOf({ files: [file], environment: undefined }, 'db')).toEqual(['data']);
  });
});

describe('variables', () => {
  const environment = readEnvironment('A=1\n  export B = \'two\' # x\nC=\nD=a$b\nE=x # y\nA=3\n#F=1\nG="q"\r\n');

  it('come from .env, the last line of each', () => {
    expect(Object.fromEntries([...environment].map(([name, { value }]) => [name, value]))).toEqual({
      A: '3',
      B: 'two',
      C: '',
      D: undefined,
      E: 'x',
      G: 'q',
    });
  });

  it.for([
    ['$A-${B}', '3-two'],
    ['${C:-x}${C-y}${N-z}${N}', 'xz'],
    ['$$A', '$A'],
    ['${D}', undefined],
    ['${A:?no}', undefined],
    ['${A:+x}', undefined],
    ['$', undefined],
  ] as const)('are replaced in %s', ([text, expected]) => {
    expect(interpolated(text, environment)).toBe(expected);
  });

  it('have their place in the text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ a-z:]*$/), fc.stringMatching(/^[A-Z]{1,5}$/), (before, name) => {
        const [reference] = referencesIn(`${before}\${${name}:-5434}`) ?? [];
        expect(reference).toMatchObject({ name, start: before.length, fallback: { text: '5434' } });
      }),
    );
  });

  it('never make reading fail or slow, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => void [referencesIn(text), readEnvironment(text)]));
    expect(referencesIn('${A'.repeat(50_000))).toBeUndefined();
  });
});

describe('two answers of the Compose client', () => {
  it('do not differ where one has an empty mapping and the other nothing', async () => {
    expect(differingPaths(await composeOutput('{a: {b: {}}}'), await composeOutput('{a: {b: }}'))).toEqual([]);
  });

  it('differ in the keys that lead to the difference', async () => {
    const before = await composeOutput('services: {db: {ports: [1], image: x}, app: {a: 1}}\nvolumes: {}\n');
    const after = await composeOutput('services: {db: {ports: [2], image: x}, app: {a: 2}}\nvolumes: {}\n');
    expect(differingPaths(before, before)).toEqual([]);
    expect(differingPaths(before, after)).toEqual([
      ['services', 'app', 'a'],
      ['services', 'db', 'ports'],
    ]);
    expect(differingPaths(before, await composeOutput('services: {}\nvolumes: {d: {}}\n'))).toEqual([
      ['services', 'app'],
      ['services', 'db'],
      ['volumes', 'd'],
    ]);
  });
});
