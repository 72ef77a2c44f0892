import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dumpReader } from '../../src/backups/plain-dump.ts';

const dump = String.raw`--
-- PostgreSQL database dump: it's one
--
\restrict abcDEF123

SET standard_conforming_strings = on;
CREATE FUNCTION public.one() RETURNS text LANGUAGE sql BEGIN ATOMIC
 SELECT CASE WHEN true THEN 'a'::text ELSE 'b' END;
 SELECT 'x' FROM stdin;
END;
CREATE FUNCTION public.two() RETURNS void LANGUAGE plpgsql AS $_$
BEGIN
\! id
COPY x FROM stdin;
END $_$;
COMMENT ON TABLE public."odd \! name" IS E'a\\b\'c \! id';
/* /* \! id */ \! id */
SELECT arr[1:2], 'C:\temp', 1.5e3, $1$;
COPY public."a
\! b" (id, "FROM stdin") FROM stdin;
\! id
1	\N
\.x
\.

\connect shop
\connect -reuse-previous=on "dbname='odd \'name'"
\connect "two words"
\unrestrict abcDEF123
`.replace('$1$;', '2;');

const key = 'k1';

describe('a plain dump on its way to psql', () => {
  it('is unchanged, but its own \\restrict gives way to ours, also around \\connect', () => {
    const { text, refusal } = read(key, dump);
    expect(refusal).toBeUndefined();
    const expected = dump
      .replaceAll(/\\(?:un)?restrict .*/g, '')
      .replaceAll(/^\\connect .*$/gm, (line) => `\\unrestrict k1\n${line}\n\\restrict k1`);
    expect(text).toBe(`\\restrict k1\n${expected}`);
  });

  it('is read the same in any chunks', () => {
    const whole = read(key, dump);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: dump.length - 1 }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), dump.length];
        expect(read(key, ...at.slice(1).map((end, index) => dump.slice(at[index], end)))).toEqual(whole);
      }),
    );
    expect(read(key, ...dump.split(''))).toEqual(whole);
  });

  it.each([
    ['a shell command', 'SELECT 1;\n\\! touch /tmp/x\n', 2, '\\! touch /tmp/x is a command of psql'],
    ['a copy by psql', "\\copy t from program 'id'\n", 1, "\\copy t from program 'id' is a command of psql"],
    ['a file to read', '\\i /etc/passwd\n', 1, '\\i /etc/passwd is a command of psql'],
    ['a command at the end, without a line feed', '\\! id', 1, '\\! id is a command of psql'],
    ['a backslash within a statement', 'SELECT 1 \\! id\n', 1, 'it has a backslash outside of quotes'],
    ['a pipe for the result', 'SELECT 1 \\g |id\n', 1, 'it has a backslash outside of quotes'],
    ['a command after \\connect', '\\connect shop \\! id\n', 1, '\\connect shop \\! id is a command of psql'],
    ['backquotes', '\\connect `id`\n', 1, '\\connect `id` is a command of psql'],
    [
      'a connection elsewhere',
      '\\connect "host=192.0.2.1 dbname=x"\n',
      1,
      '\\connect "host=192.0.2.1 dbname=x" is a command of psql',
    ],
    ['a command after a string', "SELECT 'a\\b';\n\\! id\n", 2, '\\! id is a command of psql'],
    ['a command after escapes', "SELECT E'a\\\\';\n\\! id\n", 2, '\\! id is a command of psql'],
    ['a command after a comment that ends in CR', '-- a\r\\! id\n', 1, 'it has a backslash outside of quotes'],
    ['a command after rows', 'COPY t FROM stdin;\n1\n\\.\n\\! id\n', 4, '\\! id is a command of psql'],
    ['text after COPY', "COPY t FROM stdin; SELECT '\n\\! id\n", 1, 'it has text after COPY … FROM stdin'],
    ['a table named stdin', "COPY stdin FROM PROGRAM 'true';\n\\! id\n", 2, '\\! id is a command of psql'],
    [
      'a query of a table named stdin',
      'COPY (SELECT * FROM stdin) TO STDOUT;\n\\! id\n',
      2,
      '\\! id is a command of psql',
    ],
    ['strings in a row', "SELECT E'a'\n'b\\'\n\\! id\n", 2, 'it has two strings in a row'],
    ['a NUL', 'SELECT 1;\0\n', 1, 'it contains a NUL'],
  ])('stops before %s', (_, text, line, reason) => {
    for (const restrictKey of [key, undefined]) {
      const found = read(restrictKey, text);
      expect(found.refusal).toEqual({ line, reason });
      expect(found.text).not.toContain('id\n');
    }
  });

  it.each([
    ['a string that ends in a backslash', "SELECT 'C:\\';\n"],
    ['a variable of psql', 'SELECT :DBNAME;\n'],
    ['a quoted variable of psql', "SELECT :'HOME';\n"],
    ['a backslash that could be half a character', "SELECT E'\x83\\'';\n"],
    ['a sign that could be half a character', "SELECT \x83@e'\\';\n"],
  ])('without \\restrict, also stops before %s', (_, text) => {
    expect(read(undefined, text).refusal).toMatchObject({ line: 1 });
    expect(read(key, "SELECT 'C:\\', a::text, x[1:2], :DBNAME;\n").refusal).toBeUndefined();
    expect(read(undefined, "SELECT 'C:\\x', a::text, x[1:2], 'é', \"ö\";\n").refusal).toBeUndefined();
  });
});

function read(
  restrictKey: string | undefined,
  ...chunks: readonly string[]
): { readonly text: string; readonly refusal: unknown } {
  const reader = dumpReader(restrictKey);
  const text =
    chunks.map((chunk) => reader.take(Buffer.from(chunk, 'latin1')).toString('latin1')).join('') +
    reader.end().toString('latin1');
  return { text, refusal: reader.refusal() };
}
