import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { detect, openRemediation, type RemediationEvent, type Remediator } from '../../src/app/remediation.ts';
import { readFiles } from '../../src/host/files/files.ts';
import { openCredentials } from '../../src/host/postgres/credentials.ts';
import { finding as findingSchema } from '../../src/remediation/schemas.ts';
import { redactor } from '../../src/remediation/redact.ts';
import { createTestHost } from '../../src/testing/index.ts';
import { cpuTimeOf } from '../cpu-time.ts';

const nothingKnown: readonly string[] = [];
const unknown = redactor(() => nothingKnown);
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** Built here, so that no scanner of secrets takes them for real ones. */
function of(prefix: string, length: number): string {
  return prefix + letters.repeat(3).slice(0, length);
}
const jwt = `${of('eyJ', 20)}.${of('eyJ', 30)}.${of('', 43)}`;
const pem = ['-----BEGIN', ' RSA PRIVATE KEY-----\nMIIEhidden\nhidden/more==\n-----END', ' RSA PRIVATE KEY-----'].join(
  '',
);

describe('a secret that is not known', () => {
  it.each<readonly [text: string, shown: string]>([
    ['postgres://app:hidden@db:5432/shop', 'postgres://app:[redacted]@db:5432/shop'],
    ['postgresql://app:hid/d@en@db/shop?sslmode=require', 'postgresql://app:[redacted]@db/shop?sslmode=require'],
    ['jdbc:postgresql://app:hidden@db/shop', 'jdbc:postgresql://app:[redacted]@db/shop'],
    ['redis://:hidden@cache:6379/0', 'redis://:[redacted]@cache:6379/0'],
    ['amqps://u:12345678@mq', 'amqps://u:[redacted]@mq'],
    ['PGPASSWORD=hidden psql -h db', 'PGPASSWORD=[redacted] psql -h db'],
    ["export PGPASSWORD='hid den'; psql", 'export PGPASSWORD=[redacted]; psql'],
    ['POSTGRES_PASSWORD: hidden', 'POSTGRES_PASSWORD: [redacted]'],
    ["host=db password='hid\\'den' dbname=shop", 'host=db password=[redacted] dbname=shop'],
    ['host=db user=app password=hidden dbname=shop', 'host=db user=app password=[redacted] dbname=shop'],
    [
      'jdbc:postgresql://db/shop?user=app&password=hidden&ssl=true',
      'jdbc:postgresql://db/shop?user=app&password=[redacted]&ssl=true',
    ],
    ['{"password": "hid\\"den", "port": 5432}', '{"password": [redacted], "port": 5432}'],
    [String.raw`{\"password\":\"hidden\",\"port\":5432}`, String.raw`{\"password\":[redacted],\"port\":5432}`],
    [
      "ALTER ROLE app PASSWORD 'hid''den' VALID UNTIL 'infinity'",
      "ALTER ROLE app PASSWORD [redacted] VALID UNTIL 'infinity'",
    ],
    ["CREATE USER app WITH PASSWORD = 'hidden'", 'CREATE USER app WITH PASSWORD = [redacted]'],
    ["ALTER ROLE app PASSWORD E'hid\\'den'", 'ALTER ROLE app PASSWORD [redacted]'],
    ['ALTER ROLE app PASSWORD $$hid den$$;', 'ALTER ROLE app PASSWORD [redacted];'],
    ['rolpassword SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy end', 'rolpassword [redacted] end'],
    ['rolpassword md50123456789abcdef0123456789abcdef end', 'rolpassword [redacted] end'],
    ['Server=db;User Id=app;Pwd=hidden;Database=shop', 'Server=db;User Id=app;Pwd=[redacted];Database=shop'],
    ['pg_dump --password hidden shop', 'pg_dump --password [redacted] shop'],
    ['vault login --token=hidden', 'vault login --token=[redacted]'],
    ['curl -s -u app:hidden https://db/health', 'curl -s -u app:[redacted] https://db/health'],
    ['Authorization: Bearer hidden.word', 'Authorization: Bearer [redacted]'],
    ['Authorization: Basic YXBwOmhpZGRlbg==', 'Authorization: Basic [redacted]'],
    ['"authorization":"hidden"', '"authorization":"[redacted]"'],
    ['sent bearer abc123abc123abc123', 'sent bearer [redacted]'],
    ['Cookie: session=hidden; id=7\nAccept: */*', 'Cookie: [redacted]\nAccept: */*'],
    ['X-Api-Key: hidden', 'X-Api-Key: [redacted]'],
    ['client_secret=hidden&grant_type=code', 'client_secret=[redacted]&grant_type=code'],
    ['access_token=hidden&scope=all', 'access_token=[redacted]&scope=all'],
    ['GITHUB_TOKEN=hidden make', 'GITHUB_TOKEN=[redacted] make'],
    ['AWS_SECRET_ACCESS_KEY=hidden/key', 'AWS_SECRET_ACCESS_KEY=[redacted]'],
    ['AccountName=x;AccountKey=hidden==;', 'AccountName=x;AccountKey=[redacted];'],
    [`key ${of('AKIA', 0)}IOSFODNN7EXAMPLE used`, 'key [redacted] used'],
    [`pushed with ${of('ghp_', 36)}.`, 'pushed with [redacted].'],
    [`https://${of('ghs_', 36)}@github.com/a/b`, 'https://[redacted]@github.com/a/b'],
    [`pushed with ${of('github_pat_', 50)}`, 'pushed with [redacted]'],
    [`pushed with ${of('glpat-', 20)}`, 'pushed with [redacted]'],
    [`bot ${of('xoxb-', 30)} said`, 'bot [redacted] said'],
    ['https://hooks.slack.com/services/T00/B00/hidden', 'https://hooks.slack.com/services/[redacted]'],
    [`token ${jwt} ended`, 'token [redacted] ended'],
    [`maps ${of('AIza', 35)}`, 'maps [redacted]'],
    [`pay ${of('sk_live_', 24)}`, 'pay [redacted]'],
    [`ask ${of('sk-ant-', 40)}`, 'ask [redacted]'],
    [`publish ${of('npm_', 36)}`, 'publish [redacted]'],
    [`mail ${of('SG.', 22)}.${of('', 43)}`, 'mail [redacted]'],
    [`vault ${of('hvs.', 24)}`, 'vault [redacted]'],
    [`key:\n${pem}\nend`, 'key:\n[redacted]\nend'],
    [`key: ${pem.replaceAll('\n', String.raw`\n`)} end`, 'key: [redacted] end'],
    [['-----BEGIN', ' OPENSSH PRIVATE KEY-----\nhidden and cut off'].join(''), '[redacted]'],
  ])('is recognised by its form: %s', (text, shown) => {
    expect(unknown.text(text)).toBe(shown);
    // What was redacted once stays as it is.
    expect(unknown.text(shown)).toBe(shown);
  });

  it.each([
    'password authentication failed for user "app"',
    'The server asks for a password, and none is known for it.',
    'Set the password again with password_encryption = scram-sha-256.',
    'no password supplied; see "The Password File"',
    'POSTGRES_PASSWORD_FILE names a file that is not mounted',
    'secretName orders-credentials is mounted',
    'problems.token=7 and problems.run=r-1',
    'http://localhost:8080/users/a@b.example',
    'connect to [::1]:5432 or db:5432, user app@shop',
    'postgres://db:5432/shop?options=a@b',
    'postgresql://app@db/shop',
    'git@github.com:acme/shop.git',
    'ssh://git@host:22/acme',
    'user=app host=db port=5432 dbname=shop',
    'bearer of the message, basic troubleshooting-documentation',
    'Authorization is needed',
    'the task-force and sk-learn, disk-usage-of-the-instance-is-high',
    'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    'md5 checksum 0123456789abcdef0123456789abcdef of base.tar.gz',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'PWD=/home/me OLDPWD=/tmp',
    'key: value, keys=3, primary key (id)',
    'npm_config_cache=/tmp/npm AKIA eyJ',
    'tokens: 12 of 40; access key path; api keys are rotated',
    "COMMENT ON COLUMN users.password IS 'hash'",
    '2026-01-01 12:30:45.123 UTC [7] LOG:  checkpoint complete: wrote 3 buffers (0.0%)',
  ])('is not seen in ordinary text: %s', (text) => {
    expect(unknown.text(text)).toBe(text);
  });

  it('is looked for in linear time, however hostile the text is', () => {
    const shapes = [
      (size: number) => 'a'.repeat(size),
      (size: number) => 'a.a-a+'.repeat(size / 6),
      (size: number) => 'a://b:'.repeat(size / 6),
      (size: number) => `postgres://a:${'b'.repeat(size)}`,
      (size: number) => 'password="'.repeat(size / 10),
      (size: number) => `password='${"\\'".repeat(size / 2)}`,
      (size: number) => 'password '.repeat(size / 9),
      (size: number) => `password${' '.repeat(size)}`,
      (size: number) => `authorization: ${'a '.repeat(size / 2)}`,
      (size: number) => 'authorization: a-a-a-a '.repeat(size / 23),
      (size: number) => 'bearer aaaaaaaaa '.repeat(size / 17),
      (size: number) => 'curl -u '.repeat(size / 8),
      (size: number) => ['-----BEGIN', ' PRIVATE KEY-----'].join('').repeat(size / 27),
      (size: number) => 'eyJaaaaaaaaaa.'.repeat(size / 14),
      (size: number) => 'SCRAM-SHA-256$4096:'.repeat(size / 19),
      (size: number) => 'cookie: '.repeat(size / 8),
      (size: number) => 'access-secret-access-key-token-'.repeat(size / 31),
    ];
    for (const shape of shapes) {
      const [small, large] = [shape(40_000), shape(400_000)];
      unknown.text(small);
      const short = cpuTimeOf(() => unknown.text(small));
      const long = cpuTimeOf(() => unknown.text(large));
      // Ten times the text. A quadratic pattern would take a hundred times as long.
      expect(long, small.slice(0, 30)).toBeLessThan(30 * Math.max(short, 10));
    }
  });
});

describe('a password that is a word of ours', () => {
  const found = {
    id: 'port-reassignment/orders/port-taken',
    remediator: 'port-reassignment',
    instance: 'orders',
    kind: 'port-taken',
    summary: 'Port 5434 is taken.',
    risk: 'restart',
    evidence: [{ type: 'message', text: 'said the password here' }],
    details: { kind: 'port-taken', nested: [{ type: 'volume', trouble: 'taken' }] },
    problem: null,
  };

  it.each([
    'kind',
    'evidence',
    'remediator',
    'message',
    'restart',
    'port-taken',
    'volume',
    'orders',
    'nested',
    'tails',
  ])('changes no key and no word of a finding: %s', (password) => {
    const secrets = [password];
    const shown = redactor(() => secrets).data({
      ...found,
      evidence: [{ type: 'message', text: `it is ${password}!` }],
    });
    expect(findingSchema.parse(shown)).toEqual({
      ...found,
      summary: found.summary.replaceAll(password, '[redacted]'),
      evidence: [{ type: 'message', text: 'it is [redacted]!' }],
    });
  });

  it('changes no key and no word of a plan or of a verification', () => {
    const secrets = ['steps', 'action', 'container.start', 'verified', 'schemaVersion'];
    const redact = redactor(() => secrets);
    const steps = [{ action: 'container.start', params: { container: 'c1' }, why: 'It was stopped.' }];
    expect(redact.data({ type: 'plan', steps, schemaVersion: 1 })).toEqual({ type: 'plan', steps, schemaVersion: 1 });
    expect(redact.data({ result: 'verified', checks: [] })).toEqual({ result: 'verified', checks: [] });
    // What a server answers is no word of ours.
    const others = ['hidden-word'];
    expect(redactor(() => others).data({ type: 'query', sql: 'show x', result: 'hidden-word' })).toEqual({
      type: 'query',
      sql: 'show x',
      result: '[redacted]',
    });
  });

  it('is still redacted where a server or a file could have put it', () => {
    const secrets = ['hidden-word'];
    const redact = redactor(() => secrets);
    expect(redact.data({ kind: 'Said: hidden-word.', 'a key with hidden-word': 1, list: ['hidden-word'] })).toEqual({
      kind: 'Said: [redacted].',
      'a key with [redacted]': 1,
      list: ['[redacted]'],
    });
  });
});

describe('a known password', () => {
  const secret = `Zü/r:i 'x"\\$y@&=1%+`;
  it.each<readonly [way: string, form: string]>([
    ['as it is', secret],
    ['in a URL', encodeURIComponent(secret)],
    ['in a URL, in lower case', encodeURIComponent(secret).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
    ['in a form', new URLSearchParams([['p', secret]]).toString().slice(2)],
    ['in a URL that URL has parsed', new URL(`postgres://u:${encodeURIComponent(secret)}@h`).password],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
    [
      'in JSON of ASCII',
      JSON.stringify(secret)
        .slice(1, -1)
        .replaceAll('ü', String.raw`\u00fc`),
    ],
    ['in SQL', secret.replaceAll("'", "''")],
    ['in libpq keywords', secret.replaceAll(/['\\]/g, String.raw`\$&`)],
    ['in a passfile', secret.replaceAll(/[:\\]/g, String.raw`\$&`)],
    ['in a shell, between single quotes', secret.replaceAll("'", String.raw`'\''`)],
    ['in a shell, between double quotes', secret.replaceAll(/["\\$`]/g, String.raw`\$&`)],
    ['in base64', Buffer.from(secret).toString('base64').replaceAll('=', '')],
    ['in base64 for URLs', Buffer.from(secret).toString('base64url')],
    ['in hexadecimal', Buffer.from(secret).toString('hex')],
  ])('is redacted %s', (_, form) => {
    const secrets = [secret];
    expect(redactor(() => secrets).text(`before ${form} after`)).toMatch(/^before \[redacted\]=? after$/);
  });

  it('is redacted in base64 of a longer text, such as that of Basic authentication', () => {
    const secrets = ['correct-horse'];
    const redact = redactor(() => secrets);
    for (const user of ['a', 'ab', 'abc']) {
      const shown = redact.text(`sent ${Buffer.from(`${user}:correct-horse`).toString('base64')}`);
      const rest = Buffer.from(
        shown
          .replace(/^sent /, '')
          .split('[redacted]')
          .join(''),
        'base64',
      ).toString('latin1');
      expect(shown).toContain('[redacted]');
      expect(rest).not.toContain('correct');
      expect(rest).not.toContain('horse');
    }
  });

  it('leaves texts readable if it is too short to be hidden', () => {
    const secrets = ['e', 'ab', 'abc', '   a'];
    expect(redactor(() => secrets).text('the cable of abc')).toBe('the cable of abc');
    expect(redactor(() => secrets).text('PGPASSWORD=abc')).toBe('PGPASSWORD=[redacted]');
  });
});

const checksNothing: Remediator = {
  name: 'nothing',
  description: 'A check.',
  details: z.json(),
  expected: z.json(),
  detect: async () => ({ findings: [], notLookedAt: [] }),
  plan: async () => ({ type: 'refusal', reason: 'no', advice: 'no' }),
  verify: async () => ({ result: 'verified', checks: [] }),
};

describe('the passwords of a fleet', () => {
  async function fleet(passwords: Readonly<Record<string, string>>) {
    const { reader, open } = createTestHost({
      instances: Object.entries(passwords).map(([name, password]) => ({
        name,
        container: { env: { POSTGRES_PASSWORD: password } },
      })),
    });
    const engine = { local: true, hostname: 'localhost' };
    const credentials = openCredentials({ files: readFiles([]), engine, passfile: '/nonexistent' });
    for (const instance of await reader.instances()) await credentials.passwords(instance);
    return { credentials, open };
  }

  it('hide no name of another instance', async () => {
    const { credentials } = await fleet({ orders: 'billing', billing: 'of-billing', 'old-cash': 'cash' });
    expect(credentials.seen()).toEqual(['of-billing']);
    expect(credentials.seen()).toBe(credentials.seen());
  });

  it('are a notice if they are too short to be hidden', async () => {
    const { credentials, open } = await fleet({ orders: 'e', billing: 'long-enough', cash: 'xyz' });
    expect(credentials.tooShort()).toEqual(['cash', 'orders']);
    const host = { ...open, secrets: () => credentials.seen(), shortSecrets: () => credentials.tooShort() };
    const remediation = await openRemediation({
      folder: '/project',
      host,
      remediators: [checksNothing],
      onlyLooking: true,
    });
    const events: RemediationEvent[] = [];
    await detect(remediation, { onEvent: (event) => events.push(event) });
    remediation.close();
    expect(events.filter(({ type }) => type === 'notice')).toEqual(
      ['cash', 'orders'].map((instance) => ({
        type: 'notice',
        instance,
        text: `The password of ${instance} is too short to be hidden in messages and reports. Set a longer one.`,
      })),
    );
  });
});
