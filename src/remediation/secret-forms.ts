import { canBeHidden } from '../host/postgres/credentials.ts';
import { compareText } from '../util/compare.ts';

/** The forms in which a known secret travels: as it is, and as URLs, JSON, SQL, shells, libpq and base64 write it. */

/** Base64 of a longer text holds the secret at one of three offsets. Shorter pieces of it would also fit other texts. */
const shortestInside = 8;

/** The longest first, so that a secret that contains another is replaced as a whole. */
export function formsOf(secrets: readonly string[]): readonly string[] {
  const forms = new Set(secrets.filter(canBeHidden).flatMap(formsOfOne));
  return [...forms].sort((a, b) => b.length - a.length || compareText(a, b));
}

function formsOfOne(secret: string): readonly string[] {
  const percent = percentEncoded(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  const bytes = Buffer.from(secret);
  return [
    secret,
    ...percent,
    ...percent.map((form) => form.replaceAll('%20', '+')),
    ...percent.map((form) => form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())),
    json,
    // JSON in JSON, as logs of requests hold it; and JSON of writers that escape slashes or all but ASCII.
    JSON.stringify(json).slice(1, -1),
    json.replaceAll('/', String.raw`\/`),
    json.replaceAll(/[\u0080-\uffff]/g, unicodeEscape),
    // 'it''s' in SQL; 'it\'s' in E'' strings, libpq keywords and passfiles.
    secret.replaceAll("'", "''"),
    secret.replaceAll(/['\\]/g, String.raw`\$&`),
    secret.replaceAll(/[:\\]/g, String.raw`\$&`),
    // 'it'\''s', "it\"s" and it\'s in a shell.
    secret.replaceAll("'", String.raw`'\''`),
    secret.replaceAll(/["\\$`]/g, String.raw`\$&`),
    secret.replaceAll(/[^\w@%+=:,./-]/g, String.raw`\$&`),
    ...base64Forms(bytes),
    ...(bytes.length < shortestInside ? [] : [bytes.toString('hex'), bytes.toString('hex').toUpperCase()]),
  ];
}

/** By encodeURIComponent, by encoders that also escape `!'()*`, by those that leave `:@&=+$,/;` and by those that escape `-._~`. */
function percentEncoded(secret: string): readonly string[] {
  const form = encoded(secret, encodeURIComponent);
  return [
    form,
    form.replaceAll(/[!'()*]/g, percentOf),
    form.replaceAll(/[!'()*~]/g, percentOf),
    form.replaceAll(/[!'()*~._-]/g, percentOf),
    encoded(secret, encodeURI),
  ];
}

/** Half a surrogate pair has no such form. */
function encoded(secret: string, encode: (text: string) => string): string {
  return secret.isWellFormed() ? encode(secret) : secret;
}

function percentOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** With and without padding, in both alphabets; and what it is within a longer text, such as `user:password`. */
function base64Forms(bytes: Buffer): readonly string[] {
  const whole = bytes.toString('base64').replaceAll('=', '');
  const inside = [0, 1, 2].map((before) => {
    const first = Math.ceil((before * 8) / 6);
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // The first and the last character may also hold bits of what is around.
    return text.slice(first, Math.floor(((before + bytes.length) * 8) / 6));
  });
  return [whole, ...inside.filter((form) => form.length >= shortestInside)].flatMap((form) => [
    form,
    form.replaceAll('+', '-').replaceAll('/', '_'),
  ]);
}
