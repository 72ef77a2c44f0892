import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactor } from '../../src/remediation/redact.ts';

describe('redaction', () => {
  it('leaves no secret in any text or structure, in any printed form', () => {
    const secret = fc
      .string({ minLength: 6, maxLength: 24 })
      .filter((text) => text.trim().length >= 6 && !'[redacted]'.includes(text));
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (hidden, before, after) => {
        const redact = redactor(() => [hidden]);
        const forms = [
          hidden,
          encodeURIComponent(hidden),
          JSON.stringify(hidden).slice(1, -1),
          Buffer.from(hidden).toString('base64'),
        ];
        for (const form of forms) {
          const output = JSON.stringify(
            redact.data({ [before]: [`${before}${form}${after}`], nested: { text: form } }),
          );
          // The surrounding text may contain the same characters by chance.
          if (!JSON.stringify([before, after]).includes(JSON.stringify(form).slice(1, -1))) {
            expect(output).not.toContain(JSON.stringify(form).slice(1, -1));
          }
        }
      }),
    );
  });

  it.each([
    ['PGPASSWORD=hunter2 psql', 'PGPASSWORD=[redacted] psql'],
    ['POSTGRES_PASSWORD="a b"', 'POSTGRES_PASSWORD=[redacted]'],
    ['postgres://vrooli:hunter2@db:5432/x', 'postgres://vrooli:[redacted]@db:5432/x'],
    ["ALTER ROLE x PASSWORD 'it''s'", 'ALTER ROLE x PASSWORD [redacted]'],
    ['port="5434"', 'port="5434"'],
  ])('recognizes passwords by their form: %s', (text, expected) => {
    expect(redactor(() => []).text(text)).toBe(expected);
  });

  it('hides the value of a key that names a secret, and keeps numbers and other keys', () => {
    expect(redactor(() => []).data({ password: 'x', POSTGRES_PASSWORD: 'y', token: 7, port: '5434' })).toEqual({
      password: '[redacted]',
      POSTGRES_PASSWORD: '[redacted]',
      token: 7,
      port: '5434',
    });
  });
});
