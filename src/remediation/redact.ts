import { compareText } from '../util/compare.ts';

const mark = '[redacted]';

/** Keys and words before `=` or `:` whose value is secret. */
const secretKey = /(?:pass(?:word|wd|phrase)?|pgpassword|pwd|secret|api_?key|auth_?token|credential)s?$/i;
const assignment =
  /\b([\w.-]*(?:password|passwd|passphrase|pgpassword|secret|api_?key))(["']?\s*[=:]\s*)("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[^\s"',;&]+)/gi;
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]*@/gi;
const passwordClause = /\b(password|identified by)(\s+)(E?'(?:[^']|'')*')/gi;

export interface Redactor {
  text(text: string): string;
  /** Every string in it, and every string under a key that names a secret. */
  data(value: unknown): unknown;
}

/**
 * Redacts secrets in everything that is printed or stored: every password that was passed to a driver, in each form in
 * which it may appear, and everything that looks like a password.
 */
export function redactor(known: () => readonly string[]): Redactor {
  function text(input: string): string {
    let output = input;
    for (const form of formsOf(known())) output = output.replaceAll(form, mark);
    return output
      .replace(userInfo, `$1:${mark}@`)
      .replace(assignment, `$1$2${mark}`)
      .replace(passwordClause, `$1$2${mark}`);
  }

  function data(value: unknown): unknown {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(data);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]: readonly [string, unknown]) => [
        text(key),
        secretKey.test(key) && typeof item === 'string' && item !== '' ? mark : data(item),
      ]),
    );
  }

  return { text, data };
}

/** The longest first, so that a secret that contains another is redacted completely. */
function formsOf(secrets: readonly string[]): readonly string[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret === '') continue;
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(secret.replaceAll("'", "''"));
    forms.add(Buffer.from(secret).toString('base64'));
  }
  return [...forms].sort((a, b) => b.length - a.length || compareText(a, b));
}
