import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readComposeFile, withEdits } from '../../src/compose/document.ts';
import type { ComposeSources } from '../../src/compose/project.ts';
import { editCommand, editImage, editSize } from '../../src/compose/settings.ts';
import type { ComposeEdit } from '../../src/compose/values.ts';

const MiB = 2 ** 20;

async function edited(
  texts: readonly string[],
  edit: (sources: ComposeSources) => ComposeEdit,
  environment?: string,
): Promise<string> {
  const files = await Promise.all(
    texts.map(async (text, index) => {
      const file = await readComposeFile({ path: `/project/${index}.yml`, text });
      if (typeof file === 'string') throw new Error(file);
      return file;
    }),
  );
  const env = environment === undefined ? undefined : { path: '/project/.env', text: environment };
  const made = edit({ files, environment: env });
  if (made.type === 'unclear') return made.reason;
  const text =
    made.path === '/project/.env' ? environment : files.find(({ file }) => file.path === made.path)?.file.text;
  return withEdits(text ?? '', made.edits);
}

describe('the image of a service', () => {
  const pin = (sources: ComposeSources): ComposeEdit => editImage(sources, 'db', 'postgres:15');

  it.for<[string, string, string | undefined, string]>([
    [
      'a name',
      'services: {db: {image: postgres:17}} # ours\n',
      undefined,
      'services: {db: {image: postgres:15}} # ours\n',
    ],
    [
      'a name without a tag',
      'services: {db: {image: "postgres"}}\n',
      undefined,
      'services: {db: {image: "postgres:15"}}\n',
    ],
    ['a variable', 'services: {db: {image: "$IMAGE"}}\n', 'IMAGE=postgres:17\n', 'IMAGE=postgres:15\n'],
    ['a variable for the tag', 'services: {db: {image: "postgres:${TAG}"}}\n', 'TAG=17\n', 'TAG=15\n'],
    [
      'a default for the tag',
      'services: {db: {image: "postgres:${TAG:-latest}"}}\n',
      undefined,
      'services: {db: {image: "postgres:${TAG:-15}"}}\n',
    ],
  ])('is changed where the file states it with %s', async ([, text, environment, expected]) => {
    expect(await edited([text], pin, environment)).toBe(expected);
  });

  it.for<[string, string, RegExp]>([
    ['it is built', 'services: {db: {image: shop-db, build: .}}\n', /built/],
    ['no file states it', 'services: {db: {mem_limit: 1g}}\n', /No file/],
    ['an anchor gives it to others', 'x-i: &i postgres:17\nservices: {db: {image: *i}, b: {image: *i}}\n', /anchor/],
    ['its variable comes from the shell', 'services: {db: {image: "postgres:${TAG}"}}\n', /TAG|several parts/],
    ['the repository is another one', 'services: {db: {image: "shop/${NAME:-db}"}}\n', /several parts/],
  ])('is not changed if %s', async ([, text, reason]) => {
    expect(await edited([text], pin)).toMatch(reason);
  });
});

describe('a size of a service', () => {
  const raise = (sources: ComposeSources): ComposeEdit => editSize(sources, 'db', 'mem_limit', 512 * MiB);

  it.for<[string, string, string]>([
    ['a value', 'services: {db: {mem_limit: 256m}}\n', 'services: {db: {mem_limit: 512m}}\n'],
    [
      'a value in quotes',
      'services:\n  db:\n    mem_limit: "256m" # small\n',
      'services:\n  db:\n    mem_limit: "512m" # small\n',
    ],
    [
      'no value',
      'services:\n  db: # ours\n    # the image\n    image: x\n',
      'services:\n  db: # ours\n    # the image\n    mem_limit: 512m\n    image: x\n',
    ],
    ['no value, in flow style', 'services: {db: {image: x}}\n', 'services: {db: {mem_limit: 512m, image: x}}\n'],
    [
      'no value, with CR LF',
      'services:\r\n  db:\r\n    image: x\r\n',
      'services:\r\n  db:\r\n    mem_limit: 512m\r\n    image: x\r\n',
    ],
    [
      'a merged value',
      'x-d: &d {mem_limit: 1g}\nservices:\n  db:\n    <<: *d\n',
      'x-d: &d {mem_limit: 1g}\nservices:\n  db:\n    mem_limit: 512m\n    <<: *d\n',
    ],
    ['a default', 'services: {db: {mem_limit: "${M:-256m}"}}\n', 'services: {db: {mem_limit: "${M:-512m}"}}\n'],
  ])('is set in a file with %s', async ([, text, expected]) => {
    expect(await edited([text], raise)).toBe(expected);
  });

  it('is set in the last file that states it, or in the .env that does', async () => {
    const [base, last] = ['services: {db: {mem_limit: 1g}}\n', 'services: {db: {mem_limit: 256m}}\n'];
    expect(await edited([base, last, 'services: {app: {}}\n'], raise)).toBe('services: {db: {mem_limit: 512m}}\n');
    expect(await edited(['services: {db: {mem_limit: $M}}\n'], raise, 'M=256m\n')).toBe('M=512m\n');
  });

  it.for<[string, string, RegExp]>([
    ['swap is limited too', 'services: {db: {mem_limit: 1g, memswap_limit: 1g}}\n', /memswap_limit/],
    ['it is stated for a swarm', 'services: {db: {deploy: {resources: {limits: {memory: 1g}}}}}\n', /deploy/],
    ['the service has no key', 'services: {db: {}}\n', /can be added/],
    ['all of the service is an anchor', 'x-d: &d {image: x}\nservices: {db: *d}\n', /can be added/],
    ['its variable is not known', 'services: {db: {mem_limit: "${M}"}}\n', /variable M/],
  ])('is not set if %s', async ([, text, reason]) => {
    expect(await edited([text], raise)).toMatch(reason);
  });

  it('is in bytes if it is not a whole number of MiB', async () => {
    const odd = (sources: ComposeSources): ComposeEdit => editSize(sources, 'db', 'shm_size', 1_000_000);
    expect(await edited(['services: {db: {shm_size: 64mb}}\n'], odd)).toBe('services: {db: {shm_size: 1000000}}\n');
  });
});

describe('a setting in the command of a service', () => {
  const set = (sources: ComposeSources): ComposeEdit => editCommand(sources, 'db', { max_connections: '200' });

  it.for<[string, string]>([
    ['a text', 'services:\n  db:\n    command: postgres -c max_connections=100 -c fsync=on\n'],
    ['a text in quotes', 'services: {db: {command: "postgres -c max_connections=100"}}\n'],
    [
      'a folded text',
      'services:\n  db:\n    command: >\n      postgres\n      -c max_connections=100\n      -c fsync=on\n',
    ],
    ['a list', 'services: {db: {command: [postgres, -c, max_connections=100, -c, "fsync=on"]}}\n'],
    ['a list with joined words', "services: {db: {command: ['-cmax_connections=100']}}\n"],
    ['a long option', 'services: {db: {command: [postgres, --max-connections=100]}}\n'],
    ['a default', 'services: {db: {command: "postgres -c max_connections=${N:-100}"}}\n'],
  ])('is changed in %s', async ([, text]) => {
    expect(await edited([text], set)).toBe(text.replace('100', '200'));
  });

  it('is changed with others at once', async () => {
    const text = 'services: {db: {command: postgres -c work_mem=4MB -c max_connections=100}}\n';
    const both = (sources: ComposeSources): ComposeEdit =>
      editCommand(sources, 'db', { max_connections: '50', work_mem: '8MB' });
    expect(await edited([text], both)).toBe(text.replace('100', '50').replace('4MB', '8MB'));
  });

  it.for<[string, string, RegExp]>([
    ['there is no command', 'services: {db: {image: x}}\n', /No file/],
    ['it is set twice', 'services: {db: {command: -c max_connections=1 -c max_connections=2}}\n', /several places/],
    ['it is a letter', 'services: {db: {command: postgres -N 100}}\n', /not read/],
    ['it is the value of another word', 'services: {db: {command: [echo, max_connections=100]}}\n', /not read/],
    ['it is shared', 'x-c: &c -c max_connections=1\nservices: {db: {command: *c}, b: {command: *c}}\n', /anchor/],
  ])('is not changed if %s', async ([, text, reason]) => {
    expect(await edited([text], set)).toMatch(reason);
  });

  it('keeps every other byte, whatever else the command sets', async () => {
    const other = fc.constantFrom('-c fsync=on', '--work_mem=4MB', '-c log_line_prefix=%m', "-c search_path='a'");
    const property = fc.asyncProperty(fc.array(other), fc.array(other), async (before, after) => {
      const text = `services:\n  db:\n    command: postgres ${[...before, '-c max_connections=100', ...after].join(' ')}\n`;
      const made = await edited([text], set);
      expect(made.replace('=200', '=100')).toBe(text);
      expect(parse(made).services.db.command).toContain('max_connections=200');
    });
    await fc.assert(property);
  });
});
