import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const files = globSync('**/*.ts', { cwd: join(root, 'src') })
  .sort()
  .map((path) => ({ path, lines: readFileSync(join(root, 'src', path), 'utf8').split('\n').length - 1 }));

/** Files under 40 lines, with the reason why each is a separate file. A pattern covers every file that it matches. */
const small: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/(?:^|\/)index\.ts$/, 'the list or the face of its folder'],
  [/^cli\/commands\//, 'one lazily loaded file for each command'],
  [/^util\//, 'one small helper with one name'],
  [/^page\/main\.ts$/, 'starts the page; everything else only declares'],
  [/^page\/views\.ts$/, 'the views that are loaded later'],
  [/^page\/engine-choice\.ts$/, 'shared by the views of one engine'],
  [/^version\.ts$/, 'read by every room'],
  [/^schema\/names\.ts$/, 'the names without the schema library'],
  [/^registry\/kinds\/terms\.ts$/, 'terms that several kinds share'],
  [/^registry\/parse\/merge-conflicts\.ts$/, 'what git writes, apart from what people do'],
  [/^registry\/registry\.ts$/, 'the type that readers return, apart from any reader'],
  [/^host\/instance\.ts$/, 'the type that every room uses, apart from how instances are found'],
  [/^postgres\/search-path\.ts$/, 'shared by the driver and by migrations'],
  [/^app\/names\.ts$/, 'a use case'],
  [/^backups\/sole-owner\.ts$/, 'who can read a backup, apart from what is in it'],
  [/^service\/mcp\/over-(?:http|stdio)\.ts$/, 'one way to the server, loaded without the other'],
  [/^service\/service-file\.ts$/, 'where the file is, apart from the service that writes it'],
  [/^remediation\/actions\/(?:containers|auto-conf-file)\.ts$/, 'shared by several actions'],
  [/^remediation\/engine\/not-found\.ts$/, 'the error for a name that nothing has, for every use case'],
  [
    /^remediation\/remediators\/[a-z-]+\/(?:observe|plan|refusals|types|verify)\.ts$/,
    'the same file names in every remediator',
  ],
  [/^service\/alerts\/prometheus-rules\.ts$/, 'the rules as text, apart from what they mean'],
  [/^service\/alerts\/settings\.ts$/, 'the defaults of one section of the config'],
  [/^reporters\/text\/diagnostics\.ts$/, 'one report of its own'],
  [/^reporters\/wide-text\.ts$/, 'a package that is loaded only if it is needed'],
];

/** Rows of the table in docs/architecture.md: room, files, lines. */
function statedSizes(): ReadonlyMap<string, { readonly files: number; readonly lines: number }> {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const rows = text.matchAll(/^\| `([a-z]+)\/` +\| +(\d+) +\| +([\d,]+) +\|$/gm);
  return new Map(
    [...rows].map(([, room = '', count = '', lines = '']) => [
      room,
      { files: Number(count), lines: Number(lines.replaceAll(',', '')) },
    ]),
  );
}

describe('a file of src', () => {
  it('has no more than 350 lines', () => {
    expect(files.filter(({ lines }) => lines > 350)).toEqual([]);
  });

  it('has at least 40 lines, unless a reason is given', () => {
    const fragments = files.filter(({ path, lines }) => lines < 40 && !small.some(([pattern]) => pattern.test(path)));
    expect(fragments).toEqual([]);
  });

  it('has no unused reason', () => {
    const unused = small.filter(([pattern]) => !files.some(({ path, lines }) => lines < 40 && pattern.test(path)));
    expect(unused).toEqual([]);
  });
});

describe('src/util', () => {
  it('has no more than 150 lines in all', () => {
    const lines = files.filter(({ path }) => path.startsWith('util/')).reduce((sum, file) => sum + file.lines, 0);
    expect(lines).toBeLessThanOrEqual(150);
  });
});

describe('the sizes that docs/architecture.md states', () => {
  it('name every room and are right within a tenth', () => {
    const rooms = [...new Set(files.flatMap(({ path }) => (path.includes('/') ? [path.split('/')[0] ?? ''] : [])))];
    const stated = statedSizes();
    expect([...stated.keys()].sort()).toEqual(rooms.sort());
    for (const room of rooms) {
      const own = files.filter(({ path }) => path.startsWith(`${room}/`));
      const lines = own.reduce((sum, file) => sum + file.lines, 0);
      const { files: count = 0, lines: total = 0 } = stated.get(room) ?? {};
      expect(Math.abs(count - own.length), `files of ${room}`).toBeLessThanOrEqual(Math.max(1, own.length / 10));
      expect(Math.abs(total - lines), `lines of ${room}`).toBeLessThanOrEqual(Math.max(50, lines / 10));
    }
  });
});
