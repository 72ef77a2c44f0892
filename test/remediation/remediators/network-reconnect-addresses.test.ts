import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressesOf } from '../../../src/remediation/remediators/network-reconnect/clients.ts';
import { parseConnectionText } from '../../../src/postgres/connection-string.ts';
import { runsOf } from '../../soak.ts';
import { cpuTimeOf } from '../../cpu-time.ts';

const nothing = { user: undefined, password: undefined, database: undefined, sslMode: undefined };

describe('a connection text', () => {
  it.for([
    [
      'postgres://vrooli:s3cret@db:5432/orders?sslmode=disable',
      { host: 'db', port: 5432, user: 'vrooli', password: 's3cret', database: 'orders', sslMode: 'disable' },
    ],
    ['postgresql://db', { ...nothing, host: 'db', port: 5432 }],
    [
      'postgresql+psycopg2://u@DB.Internal:6543/x',
      { ...nothing, host: 'db.internal', port: 6543, user: 'u', database: 'x' },
    ],
    [
      'jdbc:postgresql://db:5433/x?user=u&password=p%26q',
      { ...nothing, host: 'db', port: 5433, user: 'u', password: 'p&q', database: 'x' },
    ],
    ['postgres://u:p@ss@db/x', { ...nothing, host: 'db', port: 5432, user: 'u', password: 'p@ss', database: 'x' }],
    ['postgres://u:100%@db/x', { ...nothing, host: 'db', port: 5432, user: 'u', password: '100%', database: 'x' }],
    ['postgres://u@[2001:db8::1]:5432/x', { ...nothing, host: '2001:db8::1', port: 5432, user: 'u', database: 'x' }],
    ['postgres:///x?host=db&port=5440', { ...nothing, host: 'db', port: 5440, database: 'x' }],
    [
      "host=db port=5433 dbname='my db' user=u password='it\\'s'",
      { ...nothing, host: 'db', port: 5433, user: 'u', password: "it's", database: 'my db' },
    ],
  ] as const)('%s', ([text, read]) => expect(parseConnectionText(text)).toEqual(read));

  it.for([
    ['a socket', 'postgres:///x?host=/var/run/postgresql'],
    ['a socket in the authority', 'postgres://%2Fvar%2Frun/x'],
    ['several hosts', 'postgres://a:1,b:2/x'],
    ['no host', 'postgres:///x'],
    ['another scheme', 'mysql://db:3306/x'],
    ['no port', 'postgres://db:http/x'],
    ['a port out of range', 'postgres://db:65536/x'],
    ['a shell in the host', 'postgres://$(reboot)/x'],
    ['a path in the host', 'postgres://..%2f..%2fetc/x'],
    ['a line break in the host', 'postgres://db%0aevil/x'],
    ['an option as the host', 'host=-oProxyCommand=reboot'],
    ['words that are no keywords', 'host=db and more'],
    ['an open quote', "host=db password='x"],
    ['too long a text', `postgres://db/${'x'.repeat(5_000)}`],
    ['plain text', 'nothing to see'],
  ] as const)('with %s is ignored', ([, text]) => expect(parseConnectionText(text)).toBeUndefined());

  it('is parsed as a client would write it, with any password', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/);
    const secret = fc.string({ minLength: 1, maxLength: 40 });
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(
        word,
        secret,
        word.filter((host) => !host.endsWith('-')),
        port,
        word,
        (user, password, host, number, database) => {
          const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${number}/${database}`;
          expect(parseConnectionText(url)).toEqual({
            host,
            port: number,
            user,
            password,
            database,
            sslMode: undefined,
          });
          const quoted = password.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
          const keywords = `host=${host} port=${number} user=${user} password='${quoted}' dbname=${database}`;
          expect(parseConnectionText(keywords)).toEqual({
            host,
            port: number,
            user,
            password,
            database,
            sslMode: undefined,
          });
        },
      ),
    );
  });

  it('never causes an exception, and never lets more than a host through as a host', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc
        .array(
          fc.constantFrom(
            'postgres://',
            'host=',
            '@',
            ':',
            '/',
            '?',
            '%',
            '%2',
            '%00',
            '[',
            ']',
            ',',
            "'",
            '\\',
            ' ',
            '\n',
            '$(id)',
            ';',
            '..',
            'db',
            '::1',
            '5432',
          ),
        )
        .map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        const read = parseConnectionText(text);
        if (read === undefined) return;
        expect(read.host).toMatch(/^[a-z0-9_.:-]+$/);
        expect(read.host).not.toMatch(/^-/);
        expect(read.port).toBeGreaterThan(0);
        expect(read.port).toBeLessThan(65_536);
      }),
      { numRuns: runsOf(500) },
    );
  });

  it('is parsed quickly, whatever it contains', () => {
    function readAll(): void {
      for (const piece of ['@', ':', '/', '?', '&', '%', ' ', "'", '\\', 'host=', 'a', '[', '+', '=']) {
        parseConnectionText(`postgres://${piece.repeat(4_000)}`.slice(0, 4_096));
        parseConnectionText(`host=${piece.repeat(4_000)}`.slice(0, 4_096));
        addressesOf({ env: { [`${piece}_`.repeat(2_000) + 'HOST']: piece }, command: [], entrypoint: [] });
      }
    }
    expect(cpuTimeOf(readAll)).toBeLessThan(500);
  });
});

describe('the PostgreSQL addresses of a container', () => {
  function read(env: Readonly<Record<string, string>>, command: readonly string[] = []) {
    return addressesOf({ env, command, entrypoint: [] }).map(({ source, host, port, database }) => [
      source,
      host,
      port,
      database,
    ]);
  }

  it('are found in any variable with a URL, and in families of variables', () => {
    expect(
      read({
        PGWEB_DATABASE_URL: 'postgres://u:p@one/x',
        ANYTHING: 'postgresql://two:5433/y',
        PGHOST: 'three',
        PGPORT: '5434',
        PGDATABASE: 'z',
        DB_POSTGRESDB_HOST: 'four',
        WORDPRESS_DB_HOST: 'five:5435',
        POSTGRES_HOST: 'six',
        POSTGRES_DB: 'w',
        SMTP_HOST: 'mail',
        REDIS_URL: 'redis://cache:6379',
      }),
    ).toEqual([
      ['ANYTHING', 'two', 5433, 'y'],
      ['DB_POSTGRESDB_HOST', 'four', 5432, undefined],
      ['PGHOST', 'three', 5434, 'z'],
      ['PGWEB_DATABASE_URL', 'one', 5432, 'x'],
      ['POSTGRES_HOST', 'six', 5432, 'w'],
      ['WORDPRESS_DB_HOST', 'five', 5435, undefined],
    ]);
  });

  it('are found on the command line, as a URL or in options', () => {
    expect(read({}, ['pgweb', '--bind=0.0.0.0', '--url=postgres://u:p@db/x'])).toEqual([
      ['command line', 'db', 5432, 'x'],
    ]);
    expect(read({}, ['pgweb', '--host', 'db', '--port=5433', '--db', 'x'])).toEqual([
      ['command line', 'db', 5433, 'x'],
    ]);
    expect(read({}, ['postgres', '-c', 'listen_addresses=*'])).toEqual([]);
  });

  it('are listed once if two variables agree', () => {
    expect(read({ A: 'postgres://u@db/x', B: 'postgres://u@db:5432/x' })).toEqual([['A', 'db', 5432, 'x']]);
  });

  it('are not found in a socket path or an empty value', () => {
    expect(read({ PGHOST: '/var/run/postgresql', DB_HOST: '', POSTGRES_USER: 'vrooli' })).toEqual([]);
  });
});
