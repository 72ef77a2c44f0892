import fc from 'fast-check';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** Every Markdown file under `fixtures/`. */
export const fixtures: readonly { readonly path: string; readonly text: string }[] = globSync('fixtures/**/*.md', {
  cwd: root,
})
  .toSorted()
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Those that do not exceed on purpose what remark may be given. */
export const readable = fixtures.filter(({ path }) => !path.endsWith('too-complex.md'));

export function fixture(path: string): string {
  return readFileSync(join(root, 'fixtures', path), 'utf8');
}

const start = '<!-- EMBED:ACTIVEPROBLEM:START -->';
const end = '<!-- EMBED:ACTIVEPROBLEM:END -->';

const plainLines = [
  ['', '', '', 'prose', '### Title', '#### Section ##', '#', '**Label:** [value]', '  continued', '---', '***'],
  [
    '- item',
    '* item',
    '1. one',
    '2. two',
    '10) ten',
    '  - inner',
    '   1. inner',
    '- [ ] open',
    '- **Label:** text',
    '- - twice',
  ],
  [
    '```',
    '```yaml',
    '~~~ text',
    '````',
    '  ```',
    '- ```',
    'impact: 8',
    '`code`',
    '[link] text',
    '\u00a0a',
    'trailing  ',
  ],
].flat();

const oddLines = [
  [
    '> quote',
    '>',
    '> ```',
    '> - item',
    '<div>',
    '</div>',
    '<b>',
    '<!-- note -->',
    '<!--',
    '-->',
    '<pre>',
    '</pre>',
    '<?x',
    '?>',
    '<!X',
  ],
  [
    '|a|b|',
    '|-|-|',
    '-|-',
    ':-:',
    '===',
    '--',
    '[a]: b',
    '[^a]: b',
    '[a',
    '-',
    '1.',
    '+',
    '-\ta',
    '\ta',
    ' \ta',
    '0. zero',
    '- # h',
  ],
  [
    '    code',
    '      deep',
    '-     code',
    '- > quote',
    '- <div>',
    'a `b',
    'c` d',
    '``',
    '\\`',
    'a\\',
    '<i title="`">',
    '<![CDATA[',
    ']]>',
  ],
  [
    '\0',
    '\u2028',
    '\f',
    '\ufeffa',
    '_ _ _',
    '- ---',
    '    <pre>',
    '  <!--',
    '<http://a`b>',
    '<x@y.z>',
    '1234567890. a',
    '   ~~~',
  ],
].flat();

const slip = '<!-- EMBED:ACTIVE PROBLEM:START -->';
const open = '<!-- EMBED:ACTIVEPROBLEM:START ->';

const markerLines = [
  [
    start,
    end,
    start,
    end,
    '<!--embed:x : end-->',
    `  ${start}`,
    `    ${start}`,
    `- ${end}`,
    `> ${start}`,
    `\`${start}\``,
    `text ${start}`,
  ],
  [
    `${start} ${end}`,
    `${end} text`,
    `| ${start} |`,
    `# ${start}`,
    `<div>${start}</div>`,
    `<b>${start}`,
    `${start}\t`,
    `\\${start}`,
  ],
  [slip, `  ${slip}`, `- ${slip}`, `> ${slip}`, `\`${slip}\``, `text ${slip}`, `${slip} ${start}`, `    ${slip}`],
  [open, open, `  ${open} `, `- ${open}`, `> ${open}`, `\`${open}\``, `text ${open}`, `# ${open}`, `    ${open}`],
].flat();

function lines(groups: readonly (readonly string[])[]): fc.Arbitrary<string> {
  const line = fc.oneof(...groups.map((group) => fc.constantFrom(...group)));
  const indented = fc.tuple(fc.nat(6), line).map(([count, text]) => ' '.repeat(count) + text);
  return fc.oneof({ arbitrary: line, weight: 6 }, { arbitrary: indented, weight: 1 });
}

function documents(line: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const ended = fc
    .tuple(line, fc.constantFrom('\n', '\n', '\n', '\n', '\n', '\n', '\r\n', '\r'))
    .map((parts) => parts.join(''));
  const uniform = fc.array(line, { maxLength: 14 }).map((all) => all.join('\n'));
  const mixed = fc.array(ended, { maxLength: 14 }).map((all) => all.join(''));
  const text = fc.oneof({ arbitrary: uniform, weight: 4 }, { arbitrary: mixed, weight: 1 });
  return fc.oneof({ arbitrary: text, weight: 9 }, { arbitrary: text.map((inside) => `\ufeff${inside}`), weight: 1 });
}

/** What people write in records, sometimes with something outside the plain form. */
export const plainMarkdown = documents(lines([plainLines, plainLines, plainLines, oddLines]));

/** Every construct of CommonMark and of GFM that decides what a block is, in any order. */
export const anyMarkdown = documents(lines([plainLines, oddLines]));

/** The same with markers in all places, right and wrong. */
export const markedMarkdown = documents(lines([plainLines, oddLines, markerLines]));

type Mutation = (all: readonly string[]) => readonly string[];

const insertedLine = lines([plainLines, oddLines, markerLines]);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.nat().map(
    (n): Mutation =>
      (all) =>
        all.toSpliced(n % all.length, 1),
  ),
  fc.nat().map(
    (n): Mutation =>
      (all) =>
        all.toSpliced(n % all.length, 0, all[n % all.length] ?? ''),
  ),
  fc.tuple(fc.nat(), insertedLine).map(
    ([n, line]): Mutation =>
      (all) =>
        all.toSpliced(n % all.length, 0, line),
  ),
  fc.tuple(fc.nat(), fc.constantFrom(' ', '  ', '    ', '\t', '- ', '> ', '1. ')).map(
    ([n, prefix]): Mutation =>
      (all) =>
        all.with(n % all.length, prefix + (all[n % all.length] ?? '')),
  ),
  fc
    .tuple(fc.nat(), fc.nat(), fc.constantFrom(...Array.from('`<>-*#|[]:~ \t\r\\\0')))
    .map(([n, column, character]): Mutation => (all) => {
      const line = all[n % all.length] ?? '';
      const at = column % (line.length + 1);
      return all.with(n % all.length, line.slice(0, at) + character + line.slice(at + 1));
    }),
);

/** Registries of the fixtures with lines deleted, doubled, inserted and indented, characters changed, and other line ends. */
export const mutatedRegistries: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...readable.map(({ text }) => text)),
    fc.array(mutation, { minLength: 1, maxLength: 6 }),
    fc.constantFrom('\n', '\n', '\r\n', '\r'),
    fc.constantFrom('', '', '\ufeff'),
  )
  .map(([text, mutations, ending, mark]) => {
    const changed = mutations.reduce<readonly string[]>(
      (all, mutate) => (all.length === 0 ? [''] : mutate(all)),
      text.split('\n'),
    );
    return mark + changed.join(ending);
  });
