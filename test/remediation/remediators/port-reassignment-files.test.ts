import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstanceConf } from '../../../src/host/instances.ts';
import {
  declaredPort,
  findPort,
  type PortOwner,
  portFileKind,
  withEdits,
} from '../../../src/remediation/remediators/port-reassignment/port-files.ts';
import { cpuTimeOf } from '../../cpu-time.ts';

const orders: PortOwner = { instance: 'orders', user: 'vrooli', database: 'vrooli', password: 's3:cr\\et', own: false };

function changed(kind: Parameters<typeof findPort>[0], text: string, owner: PortOwner = orders): string {
  return withEdits(text, findPort(kind, text, 5434, 5440, owner).edits);
}

function unclear(kind: Parameters<typeof findPort>[0], text: string, owner: PortOwner = orders): readonly number[] {
  return findPort(kind, text, 5434, 5440, owner).unclear;
}

describe('an instance.conf', () => {
  it('gets a new port, with quoting, comments and line ends unchanged', () => {
    const text = '# port="5434"\r\nport="5434" # was 5433\r\nexport port=\'5434\'\nport=5434\npassword="5434"\n';
    expect(changed('instance-conf', text)).toBe(
      '# port="5434"\r\nport="5440" # was 5433\r\nexport port=\'5440\'\nport=5440\npassword="5434"\n',
    );
  });

  it.for(['port="$(reboot)5434"', 'port="5434\\"', 'port=`id`', 'port=5434;reboot', 'port="54345"', 'xport="5434"'])(
    'is not changed if it does more than set the port: %s',
    (line) => expect(changed('instance-conf', `${line}\n`)).toBe(`${line}\n`),
  );

  it('is read as by a shell that sources it', () => {
    expect(declaredPort('port="5434"\nport="5435"\n')).toBe(5435);
    expect(declaredPort('user="vrooli"\n')).toBeUndefined();
  });

  it('changes only its port and stays safe for a shell, for any values', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9_.:/@-]{0,20}$/);
    const conf = fc.record({ password: word, template: word, user: word, database: word, networks: word });
    fc.assert(
      fc.property(conf, fc.boolean(), (values, last) => {
        const lines = Object.entries(values).map(([key, value]) => `${key}="${value}"`);
        const text = `${(last ? [...lines, 'port="5434"'] : ['port="5434"', ...lines]).join('\n')}\n`;
        const now = changed('instance-conf', text);
        expect(parseInstanceConf(now)).toEqual({ ...values, port: '5440' });
        expect(now).toBe(text.replace('port="5434"', 'port="5440"'));
      }),
    );
  });

  it('changes only in the digits at the offsets, for any text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('port="5434"', "port='5434'", 'port = 5434'))),
        (lines) => {
          const text = lines.join('\n');
          const { edits } = findPort('instance-conf', text, 5434, 5440, orders);
          expect(
            withEdits(
              withEdits(text, edits),
              edits.map(({ at, before, after }) => ({ at, before: after, after: before })),
            ),
          ).toBe(text);
        },
      ),
    );
  });
});

describe('an .env', () => {
  const url = 'postgresql://vrooli:s3%3Acr%5Cet@localhost:5434/vrooli?sslmode=disable';

  it('gets a new port in the URL with the password of the instance', () => {
    expect(changed('env', `DATABASE_URL="${url}"\n`)).toBe(`DATABASE_URL="${url.replace('5434', '5440')}"\n`);
  });

  it('keeps a URL of another password, database, host or port', () => {
    const others = [
      url.replace('cr', 'xx'),
      url.replace('/vrooli?', '/other?'),
      url.replace('localhost', 'db.example.org'),
      url.replace(':5434', ':5435'),
      url.replace('localhost:5434', 'orders:5432'),
    ];
    for (const other of others) expect(changed('env', `U=${other}\n`), other).toBe(`U=${other}\n`);
  });

  it('keeps and reports lines that are ambiguous', () => {
    const text = `PORT=3000\nPGPORT=5434\nU=${url.replace('cr', 'xx')}\n`;
    expect(changed('env', text)).toBe(text);
    expect(unclear('env', text)).toEqual([2, 3]);
  });

  it("gets a new bare port next to the password, under the name of the instance, or in the instance's folder", () => {
    const beside = "PGPORT=5434\nPGPASSWORD='s3:cr'\n";
    expect(changed('env', beside, { ...orders, password: 's3:cr' })).toBe("PGPORT=5440\nPGPASSWORD='s3:cr'\n");
    expect(changed('env', 'ORDERS_PGPORT=5434\nBILLING_PGPORT=5434\n')).toBe(
      'ORDERS_PGPORT=5440\nBILLING_PGPORT=5434\n',
    );
    expect(changed('env', 'PGPORT=5434\n', { ...orders, own: true })).toBe('PGPORT=5440\n');
  });

  it('is read quickly, whatever it contains', () => {
    const text = `A=${'postgres://'.repeat(20_000)}\nB=${'postgres://a:'.repeat(20_000)}\n`;
    expect(cpuTimeOf(() => void unclear('env', text))).toBeLessThan(1000);
  });
});

describe('a .pgpass', () => {
  const mine = 'localhost:5434:vrooli:vrooli:s3\\:cr\\\\et\n';

  it('gets a new port in the line with the password of the instance, since the port is part of the match', () => {
    const text = `# localhost:5434:*:*:x\n${mine}*:5434:*:vrooli:other\n*:*:*:*:s3\\:cr\\\\et\n`;
    expect(changed('pgpass', text)).toBe(text.replace(mine, mine.replace('5434', '5440')));
    expect(unclear('pgpass', text)).toEqual([3]);
  });

  it('keeps lines of other hosts, databases and users', () => {
    const text = 'db.example.org:5434:vrooli:vrooli:x\nlocalhost:5434:other:vrooli:x\nlocalhost:5434:vrooli:app:x\n';
    expect(changed('pgpass', text)).toBe(text);
    expect(unclear('pgpass', text)).toEqual([]);
  });
});

describe('a compose file', () => {
  it('is never changed; the lines that publish the port are reported', () => {
    const text =
      'services:\n  db:\n    ports:\n      - "5434:5432"\n      - 127.0.0.1:5434:5432\n      - "15434:5432"\n      - published: 5434\n';
    expect(findPort('compose', text, 5434, 5440, orders)).toEqual({ edits: [], unclear: [4, 5, 7] });
  });
});

describe('a file', () => {
  it.for([
    ['/p/instances/orders/config/instance.conf', 'instance-conf'],
    ['/p/.env', 'env'],
    ['/p/.env.production', 'env'],
    ['/p/orders.env', 'env'],
    ['/home/a/.pgpass', 'pgpass'],
    ['/p/docker-compose.yml', 'compose'],
    ['/p/compose.override.yaml', 'compose'],
    ['/p/postgresql.conf', undefined],
    ['/p/environment', undefined],
  ] as const)('%s is recognized as %s', ([path, kind]) => expect(portFileKind(path)).toBe(kind));
});

describe('edits', () => {
  it('are refused if they do not fit the text', () => {
    expect(() => withEdits('port="5435"', [{ at: 6, before: '5434', after: '5440' }])).toThrow('expected 5434 at 6');
  });
});
