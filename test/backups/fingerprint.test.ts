import { describe, expect, it } from 'vitest';
import { differences, fingerprintFrom } from '../../src/backups/sidecar-files.ts';

const lines = [
  '["listed", "public.orders"]',
  '["listed", "public.hidden"]',
  '["table", "public.orders", "3", "77"]',
  '["sequence", "public.ids", "5"]',
  '["sequence", "public.ids", "9"]',
  '["sequence", "public.still", "4"]',
  '["index", "public.orders_pkey", "public.orders btree t 1"]',
  '["constraint", "public.orders.orders_pkey", "p"]',
  '["function", "public.doubled(integer)", "0a"]',
  '["extension", "amcheck", "1.3"]',
  '["invalid", "public.half"]',
];
const original = fingerprintFrom(lines, 'shop', 'full.dump');

describe('a fingerprint', () => {
  it('is read from its lines; a table without a sum is known by name', () => {
    expect(original.tables).toEqual({
      'public.hidden': { rows: '', sum: '' },
      'public.orders': { rows: '3', sum: '77' },
    });
    expect(original.sequences['public.ids']).toEqual({ first: '5', last: '9' });
    expect(original.invalid).toEqual(['public.half']);
  });

  it('equals itself, a copy with newer extensions, and a copy whose moving sequence stopped elsewhere', () => {
    const copy = changed((line) => line.replace('"1.3"', '"1.4"').replace('"public.ids", "9"', '"public.ids", "700"'));
    expect(differences(original, original)).toEqual([]);
    expect(differences(original, copy)).toEqual([]);
  });

  it.each([
    ['a row less', '"3", "77"', '"2", "60"', 'table public.orders has 2 rows, the source had 3'],
    [
      'another row',
      '"3", "77"',
      '"3", "78"',
      'table public.orders has 3 rows like the source, but with different values',
    ],
    ['another table', 'public.orders"', 'public.others"', 'table public.orders is missing'],
    ['a sequence that stood still', '"4"', '"2"', 'sequence public.still is at 2, in the source at 4'],
    ['another index', 'btree t 1', 'btree f 1', "index public.orders_pkey differs from the source's"],
    ['another function', '"0a"', '"0b"', "function public.doubled(integer) differs from the source's"],
    ['no extension', '"extension", "amcheck"', '"extension", "other"', 'extension amcheck is missing'],
    ['no constraint', '"p"]', '"u"]', "constraint public.orders.orders_pkey differs from the source's"],
  ])('differs by %s', (_what, from, to, says) => {
    expect(
      differences(
        original,
        changed((line) => line.replace(from, to)),
      ),
    ).toContain(says);
  });
});

function changed(change: (line: string) => string) {
  return fingerprintFrom(lines.map(change), 'shop', null);
}
