import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readComposeFile, withEdits } from '../../src/compose/document.ts';
import { editPort } from '../../src/compose/ports.ts';
import { changedLines, type ComposeEdit } from '../../src/compose/values.ts';
import type { ComposeSources } from '../../src/compose/project.ts';

const path = '/project/docker-compose.yml';

async function sourcesOf(texts: readonly string[], environment?: string): Promise<ComposeSources> {
  const files = await Promise.all(
    texts.map(async (text, index) => {
      const file = await readComposeFile({ path: index === 0 ? path : `/project/compose.${index}.yml`, text });
      if (typeof file === 'string') throw new Error(file);
      return file;
    }),
  );
  return { files, environment: environment === undefined ? undefined : { path: '/project/.env', text: environment } };
}

async function edited(
  text: string | readonly string[],
  { environment, hostIp = '' }: { readonly environment?: string; readonly hostIp?: string } = {},
): Promise<ComposeEdit & { readonly becomes?: string }> {
  const texts = typeof text === 'string' ? [text] : text;
  const from = { containerPort: 5432, protocol: 'tcp', hostIp, hostPort: '5434' };
  const edit = editPort(await sourcesOf(texts, environment), 'db', { from, to: 5437 });
  if (edit.type === 'unclear') return edit;
  const index = edit.path === path ? 0 : Number(/\.(\d)\./.exec(edit.path)?.[1]);
  const before = edit.path === '/project/.env' ? (environment ?? '') : (texts[index] ?? '');
  return { ...edit, becomes: withEdits(before, edit.edits) };
}

describe('the published port of a service', () => {
  it.for<[string, string, string]>([
    ['a quoted entry', 'services:\n  db:\n    ports:\n      - "5434:5432" # the host\n', '"5437:5432" # the host'],
    ['an entry in single quotes', "services: {db: {ports: ['5434:5432']}}\n", "['5437:5432']"],
    ['an entry without quotes', 'services:\n  db:\n    ports:\n    - 5434:5432\n', '- 5437:5432'],
    ['an entry with its protocol', 'services:\n  db:\n    ports: ["5434:5432/tcp"]\n', '["5437:5432/tcp"]'],
    ['one of several', 'services:\n  db:\n    ports: ["9187:9187", "5434:5432"]\n', '["9187:9187", "5437:5432"]'],
    [
      'the long form',
      'services:\n  db:\n    ports:\n      - target: 5432\n        published: 5434\n',
      'published: 5437',
    ],
    ['the long form as text', 'services:\n  db:\n    ports:\n      - {target: 5432, published: "5434"}\n', '"5437"}'],
    ['a default', 'services:\n  db:\n    ports: ["${DB_PORT:-5434}:5432"]\n', '["${DB_PORT:-5437}:5432"]'],
    ['lines that end with CR LF', 'services:\r\n  db:\r\n    ports:\r\n      - "5434:5432"\r\n', '"5437:5432"\r\n'],
  ])('is changed in %s, and nothing else', async ([, text, expected]) => {
    const edit = await edited(text);
    expect(edit).toMatchObject({ type: 'edit', path });
    expect(edit.becomes).toContain(expected);
    expect(edit.becomes?.replaceAll('5437', '5434')).toBe(text);
  });

  it('is changed for the address on which Docker publishes it', async () => {
    const text = 'services:\n  db:\n    ports: ["127.0.0.1:5434:5432", "[::1]:5434:5432"]\n';
    expect((await edited(text, { hostIp: '127.0.0.1' })).becomes).toContain(
      '["127.0.0.1:5437:5432", "[::1]:5434:5432"]',
    );
    expect((await edited(text, { hostIp: '::1' })).becomes).toContain('["127.0.0.1:5434:5432", "[::1]:5437:5432"]');
    expect(await edited(text)).toMatchObject({ type: 'unclear' });
  });

  it('is changed in the .env that sets it', async () => {
    const text = 'services:\n  db:\n    ports: ["${DB_PORT:-5432}:5432"]\n';
    const environment = 'A=1\n# DB_PORT=5434\nexport DB_PORT="5434" # the host\n';
    expect(await edited(text, { environment })).toMatchObject({
      path: '/project/.env',
      becomes: 'A=1\n# DB_PORT=5434\nexport DB_PORT="5437" # the host\n',
    });
  });

  it('is changed at every use of the same default', async () => {
    const text = `services:
  db:
    ports: ["\${DB_PORT:-5434}:5432"]
  app:
    environment: {URL: "postgres://db:\${DB_PORT:-5434}/app"} # \${DB_PORT:-5434}
`;
    expect((await edited(text)).becomes).toBe(
      text.replace('["${DB_PORT:-5434}', '["${DB_PORT:-5437}').replace('db:${DB_PORT:-5434}/', 'db:${DB_PORT:-5437}/'),
    );
  });

  it('is changed in the file that states it, of several', async () => {
    const base = 'services:\n  db:\n    image: postgres:17\n';
    const override = 'services:\n  db:\n    ports: ["5434:5432"]\n';
    expect(await edited([base, override])).toMatchObject({ type: 'edit', path: '/project/compose.1.yml' });
  });

  it.for<[string, string | readonly string[], string | undefined, RegExp]>([
    ['no file states it', 'services: {db: {image: postgres}}\n', undefined, /none of them/],
    [
      'another service extends it',
      'services: {db: {extends: {service: base, file: base.yml}}}\n',
      undefined,
      /extends/,
    ],
    [
      'an anchor gives it to others',
      'x-p: &p ["5434:5432"]\nservices: {db: {ports: *p}, b: {ports: *p}}\n',
      undefined,
      /anchor/,
    ],
    ['a merge key gives it', 'x-d: &d {ports: ["5434:5432"]}\nservices: {db: {<<: *d}}\n', undefined, /anchor/],
    [
      'two files state it',
      ['services: {db: {ports: ["5434:5432"]}}\n', 'services: {db: {ports: ["5434:5432"]}}\n'],
      undefined,
      /2 places/,
    ],
    ['it is put together', 'services: {db: {ports: ["5${A}${B}:5432"]}}\n', 'A=4\nB=34\n', /several parts/],
    ['the shell sets it', 'services: {db: {ports: ["${P}:5432"]}}\n', undefined, /none of them/],
    [
      'a variable has two defaults',
      'services: {db: {ports: ["${P:-5434}:5432"]}, a: {command: "${P:-1}"}}\n',
      undefined,
      /default/,
    ],
    ['a range publishes it', 'services: {db: {ports: ["5434-5436:5432"]}}\n', undefined, /none of them/],
  ])('is not changed if %s', async ([, text, environment, reason]) => {
    const edit = await edited(text, environment === undefined ? {} : { environment });
    expect(edit).toMatchObject({ type: 'unclear', reason: expect.stringMatching(reason) });
  });

  it('survives aliases that hold each other', async () => {
    const loop = 'x-a: &a {<<: *a, b: 1}\nservices: {db: {<<: [*a, *a]}}\n';
    const file = await readComposeFile({ path, text: loop });
    if (typeof file === 'string') return;
    expect(
      editPort({ files: [file], environment: undefined }, 'db', {
        from: { containerPort: 5432, protocol: 'tcp', hostIp: '', hostPort: '5434' },
        to: 5437,
      }),
    ).toMatchObject({ type: 'unclear' });
  });
});

describe('a Compose file that cannot be read exactly', () => {
  it.for<[string, string, RegExp]>([
    ['is not YAML', 'services: [\n', /not valid YAML/],
    ['has a key twice', 'services: {}\nservices: {}\n', /not valid YAML/],
    ['has two documents', 'services: {}\n---\nservices: {}\n', /not one YAML document/],
    ['is a list', '- a\n', /not a mapping/],
    ['is too large', `a: ${'x\n'.repeat(40_000)}\n`, /larger/],
    ['is nested without end', `a: ${'[\n'.repeat(1_000)}\n`, /nested/],
    ['is nested without end in one line', `${'- '.repeat(100)}a\n`, /nested/],
    ['has an endless line', `a: ${'!t '.repeat(1_000)}\n`, /line of more/],
  ])('%s', async ([, text, fault]) => {
    expect(await readComposeFile({ path, text })).toMatch(fault);
  });
});

describe('the smallest edit of any Compose file', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const filler = fc.constantFrom('', '# 5434:5432 is taken', '  # deep', '\t', 'x-note: "5434:5432"');
  const entry = fc.constantFrom('"5434:5432"', "'5434:5432'", '5434:5432', '"${PORT:-5434}:5432"', '"5434:5432/tcp"');
  const others = fc.uniqueArray(fc.integer({ min: 6000, max: 6999 }), { maxLength: 4 });
  const file = fc
    .record({
      image: word,
      entry,
      others,
      at: fc.nat(4),
      filler,
      end: fc.constantFrom('\n', '\r\n'),
      tail: fc.boolean(),
    })
    .map(({ image, entry: own, others: ports, at, filler: between, end, tail }) => {
      const entries = ports.map((port) => `"${port}:${port}"`);
      entries.splice(Math.min(at, entries.length), 0, own);
      const lines = [
        '# the project',
        ...(between.startsWith('x-') || between.startsWith('#') ? [between] : []),
        'services:',
        '  web:',
        '    ports: ["5434:80"]',
        '  db:',
        `    image: ${image}   # keep`,
        '    ports:',
        ...entries.map((text) => `      - ${text}`),
        '    environment:',
        '      NOTE: "5434:5432"',
      ];
      return lines.join(end) + (tail ? end : '');
    });

  it('changes one value and keeps every other byte', async () => {
    await fc.assert(
      fc.asyncProperty(file, async (text) => {
        const edit = await edited(text);
        expect(edit.type).toBe('edit');
        const after = edit.becomes ?? '';
        expect(after).toHaveLength(text.length);
        const differing = Array.from(text).flatMap((character, index) => (after[index] === character ? [] : [index]));
        expect(differing).toHaveLength(1);
        const [before, now] = [parse(text), parse(after)];
        const index = now.services.db.ports.findIndex((port: unknown) => String(port).includes('5437'));
        now.services.db.ports[index] = before.services.db.ports[index];
        expect(now).toEqual(before);
      }),
    );
  });

  it('shows only the lines that change', async () => {
    const text = 'services:\r\n  db:\r\n    environment: {P: geheim}\r\n    ports: ["5434:5432"]\r\n';
    const edit = await edited(text);
    expect(changedLines(text, edit.type === 'edit' ? edit.edits : [])).toEqual([
      { line: 4, before: '    ports: ["5434:5432"]', after: '    ports: ["5437:5432"]' },
    ]);
  });
});
