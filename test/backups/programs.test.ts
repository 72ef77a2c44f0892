import { describe, expect, it } from 'vitest';
import { headerIn, majorOf } from '../../src/backups/archive-header.ts';
import { namesOfMajor } from '../../src/backups/programs.ts';

/** The beginning of an archive, as `WriteHead` of pg_backup_archiver.c writes it. */
function header(minor: number, texts: readonly string[]): Buffer {
  const integer = (value: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32LE(value, 1);
    return bytes;
  };
  return Buffer.concat([
    Buffer.from('PGDMP'),
    Buffer.from([1, minor, 0, 4, 8, 1]),
    minor >= 15 ? Buffer.from([1]) : integer(6),
    ...Array.from({ length: 7 }, () => integer(1)),
    ...texts.flatMap((text) => [integer(text.length), Buffer.from(text)]),
  ]);
}

describe('the programs that made a dump', () => {
  it.for([
    ['15', 14, ['shop', '15.20 (Debian 15.20-0+deb12u1)', '15.20']],
    ['17', 16, ['shop', '15.20', '17.12 (Debian 17.12-0+deb13u1)']],
  ] as const)('are in the header of an archive of PostgreSQL %s', ([made, minor, texts]) => {
    const found = headerIn(header(minor, texts));
    expect([found?.format, found?.dumpedFrom, majorOf(found?.dumpedBy)]).toEqual([
      `1.${minor}`,
      texts[1],
      Number(made),
    ]);
  });

  it('are unknown if the header is cut, damaged or of something else', () => {
    const whole = header(16, ['shop', '15.20', '17.12']);
    expect(headerIn(whole.subarray(0, -3))?.dumpedBy).toBeUndefined();
    expect(headerIn(whole.subarray(0, 30))?.dumpedBy).toBeUndefined();
    const huge = Buffer.from(whole);
    huge.writeUInt32LE(2 ** 32 - 1, 11 + 1 + 7 * 5 + 1);
    expect(headerIn(huge)).toEqual({ format: '1.16', dumpedFrom: undefined, dumpedBy: undefined });
    for (const other of [
      Buffer.alloc(64),
      Buffer.from('PGDMP'),
      Buffer.from('PGDMP\u0009\u0009\u0009\u0009aaaaaaaaaa'),
    ])
      expect(headerIn(other)).toBeUndefined();
    expect([majorOf('devel'), majorOf(undefined)]).toEqual([undefined, undefined]);
  });

  it.for([
    ['postgres:15', ['postgres:17']],
    ['postgres:15.4-alpine', ['postgres:17-alpine', 'postgres:17']],
    [
      'registry.example:5000/data/postgres:15-bookworm@sha256:abc',
      [
        'registry.example:5000/data/postgres:17-bookworm',
        'registry.example:5000/data/postgres:17',
        'postgres:17-bookworm',
        'postgres:17',
      ],
    ],
    ['pgvector/pgvector:pg15', ['pgvector/pgvector:pg17', 'pgvector/pgvector:17', 'postgres:pg17', 'postgres:17']],
    ['timescale:2.15.1-pg15', ['timescale:2.15.1-pg17', 'timescale:17', 'postgres:2.15.1-pg17', 'postgres:17']],
    ['sha256:0123', ['sha256:17', 'postgres:17']],
  ] as const)('are looked for under the name of the own image, %s, and the official one', ([name, names]) => {
    expect(namesOfMajor(name, 15, 17)).toEqual(names);
  });
});
