import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatText, split, tokensOf } from '../../src/migration/index.ts';

/** SQL that can hide a semicolon, a quote or a keyword; each piece is complete. */
const hiding = fc
  .stringMatching(/^[A-Za-z0-9 ;'"$\\\n*/-]{0,12}$/)
  .chain((inside) =>
    fc.constantFrom(
      `'${inside.replaceAll("'", "''")}'`,
      `E'${inside.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`,
      `"${inside.replaceAll('"', '""')}"`,
      `U&"${inside.replaceAll('"', '""')}"`,
      `$q$${inside.replaceAll('$', '')}$q$`,
      `$$${inside.replaceAll('$', '')}$$`,
      `--${inside.replaceAll('\n', '')}\n`,
      `/*${inside.replaceAll(/[*/]/g, '')}/*;*/ commit */`,
    ),
  );
const plain = fc.constantFrom(
  'select',
  'a$b$c',
  '1',
  '+',
  '(1; 2)',
  'x::text',
  '$1',
  'concurrent',
  'é',
  '::',
  '-',
  '/',
);
const statement = fc
  .array(fc.oneof(plain, hiding), { minLength: 1, maxLength: 6 })
  // A quote after a comment continues the string before the comment, and that of E'' with its escapes.
  .filter((parts) => !parts.some((part, at) => part.startsWith('--') && parts[at + 1]?.startsWith("'") === true))
  .map((parts) => `select ${parts.join(' ')} `);

describe('an SQL text', () => {
  it('equals its tokens, character by character, for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.array(fc.oneof(plain, hiding, fc.constantFrom(';', "'", '$a$', '/*', '"')))),
        (given) => {
          const sql = typeof given === 'string' ? given : given.join('');
          const tokens = tokensOf(sql);
          expect(tokens.map(({ start, end }) => sql.slice(start, end)).join('')).toBe(sql);
          const { statements, rest } = split(sql);
          expect(statements.map(({ text }) => text).join('') + rest).toBe(sql);
          for (const { text, start } of statements) expect(sql.slice(start, start + text.length)).toBe(text);
        },
      ),
    );
  });

  it('is split only at the semicolons between its statements', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 5 }), (statements) => {
        expect(split(statements.map((text) => `${text};`).join('')).statements.map(({ text }) => text)).toEqual(
          statements.map((text) => `${text};`),
        );
      }),
    );
  });

  it('shows no word in quotes or comments', () => {
    fc.assert(
      fc.property(fc.array(hiding, { minLength: 1, maxLength: 5 }), (parts) => {
        const sql = parts.map((part) => `x ${part} `).join('');
        const flat = split(sql).statements.map((one) => flatText(sql, one));
        expect(flat.join(' ')).toMatch(/^(?:X|'…'|"…"| )*$/);
      }),
    );
  });

  it.for([
    [
      'a string that goes on after a line break, in its own form',
      String.raw`select E'a'` + '\n' + String.raw`'b\';c'; x`,
      2,
    ],
    [
      'a string that goes on after a comment, in its own form',
      String.raw`select E'a' --c` + '\n' + String.raw`'b\';c'; x`,
      2,
    ],
    ['one that does not, on the same line', String.raw`select 'a' 'b\'; x`, 2],
    ['nested comments', '/* a /* ; */ ; */ select 1; select 2', 2],
    ['a rule of several commands', 'create rule r as on insert to t do also (delete from a; delete from b); x', 2],
    [
      'a body of standard SQL',
      'create or replace function f() returns int begin atomic; select case when true then 1 end; select 2; end; x',
      2,
    ],
    ['a transaction, which is no body', 'begin; select 1; end; x', 4],
    ['a dollar in an identifier', 'select a$b; select c$b;', 2],
    ['a dollar quote within another', 'do $a$ begin; $b$ ; $b$ ; $a$; x', 2],
    ['empty statements, which are none', ' ; ;; select 1;; -- end', 1],
    ['numbers before a dollar quote', 'select 1$a$;$a$; x', 2],
  ] as const)('splits %s', ([, sql, count]) => {
    expect(split(sql).statements).toHaveLength(count);
  });
});
