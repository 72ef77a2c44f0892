import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dumpTextReader } from '../../src/backups/read-file.ts';

const dump = `--
-- PostgreSQL database dump
--

\\restrict abc

-- Dumped from database version 17.5
-- Dumped by pg_dump version 17.6

CREATE TABLE public.orders (
    id integer
);
COPY public.orders (id) FROM stdin;
1
-- PostgreSQL database dump
-- PostgreSQL database dump complete
\\.

--
-- PostgreSQL database dump complete
--

\\unrestrict abc

`;

describe('the text of a plain dump', () => {
  it('is read from its header, its end and the part between them', () => {
    expect(read(dump)).toMatchObject({
      begins: 1,
      ends: 1,
      clusterBegins: 0,
      afterEnd: false,
      insideCopy: false,
      connects: false,
      createsTables: 1,
      dumpedFrom: '17.5',
      dumpedBy: '17.6',
    });
  });

  it('gives the same result for any chunks', () => {
    const whole = read(dump);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: dump.length - 1 }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), dump.length];
        expect(read(...at.slice(1).map((end, index) => dump.slice(at[index], end)))).toEqual(whole);
      }),
    );
  });

  it('is never complete if it is cut off anywhere before its end marker', () => {
    const last =
      dump.lastIndexOf('-- PostgreSQL database dump complete') + '-- PostgreSQL database dump complete'.length;
    for (let length = 0; length < last; length += 1) {
      const { ends, insideCopy } = read(dump.slice(0, length));
      expect(ends === 0 || insideCopy, `at ${length}`).toBe(true);
    }
  });

  it('is not over at its end marker if two dumps were written into one file', () => {
    expect(read(`${dump}${dump}`)).toMatchObject({ begins: 2, ends: 2 });
    expect(read(`${dump}12\tthe rest of a longer one\n`).afterEnd).toBe(true);
  });

  it('ends with the cluster for a dump of all databases, not with its first database', () => {
    const cluster = `--\n-- PostgreSQL database cluster dump\n--\nCREATE ROLE a;\n\\connect a\n${dump}\\connect b\n${dump}`;
    const whole = `${cluster}--\n-- PostgreSQL database cluster dump complete\n--\n\n`;
    expect(read(cluster)).toMatchObject({ clusterBegins: 1, clusterEnds: 0, connects: true });
    expect(read(whole)).toMatchObject({ clusterBegins: 1, clusterEnds: 1, afterEnd: false });
  });

  it('can contain a row of any length in bounded memory', () => {
    const long = 'x'.repeat(2 ** 20);
    const text = dumpTextReader();
    text.take(Buffer.from('COPY public.long (text) FROM stdin;\n'));
    for (let chunk = 0; chunk < 40; chunk += 1) text.take(Buffer.from(long));
    text.take(Buffer.from('\n\\.\n'));
    expect(text.end()).toMatchObject({ insideCopy: false, bytes: 40 * 2 ** 20 + 40 });
  });
});

function read(...chunks: readonly string[]) {
  const text = dumpTextReader();
  for (const chunk of chunks) text.take(Buffer.from(chunk));
  return text.end();
}
