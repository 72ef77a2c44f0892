/**
 * The usual forms of secrets that are not known. Texts may be hostile, so the time of every pattern is linear: what comes
 * before fixed text is bounded, and so is what a failed match may read again.
 */

interface SecretPattern {
  readonly pattern: RegExp;
  /** The first group stays. Default: nothing. */
  readonly stays?: '$1';
}

/** A value in quotes, quotes within JSON, a dollar-quoted one, or one up to a blank or a separator. */
const value = String.raw`(?:\\"(?:[^"\\\n]|\\[^"\n])*(?:\\")?|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.|'')*'?|[^\s"',;&]+)`;

/** Words whose value is secret. `password_encryption` and `secretName` are other words. */
const word = String.raw`(?:pass(?:word|wd|phrase)|(?<=;[ \t]{0,3})pwd|secret(?:[_-]?(?:access[_-]?)?key)?|api[_-]?key|access[_-]?key|account[_-]?key|shared[_-]?access[_-]?key|private[_-]?key|(?<=[a-z0-9][_-])token|(?<=access|auth|refresh|bearer|id|api|session|bot)token)`;

const patterns: readonly SecretPattern[] = [
  // A key in PEM, also in one line with \n; and one that is cut off.
  {
    pattern:
      /-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(?:(?!-----)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g,
  },
  // Headers. A cookie is secret up to the end of its line.
  {
    pattern: /\b((?:proxy-)?authorization["']?\s{0,9}[=:]\s{0,9}["']?(?:[a-z][a-z0-9-]{0,20} {1,9})?)[^\s"',;]+/gi,
    stays: '$1',
  },
  { pattern: /\b((?:set-)?cookie: {0,9})[^\r\n"']+/gi, stays: '$1' },
  { pattern: /\b(bearer {1,9})(?=[a-z+/.~_-]{0,64}\d)[\w+/.~-]{16,}={0,2}/gi, stays: '$1' },
  { pattern: /\b(x-(?:vault-token|amz-security-token|auth-token|api-key): {0,9})[^\s"',;]+/gi, stays: '$1' },
  // The user information of a URL, up to its last @, since few escape a / or @ in passwords. A port is not a password.
  {
    pattern:
      /(?<![a-z0-9+.-])([a-z0-9+.-]{1,64}:\/\/[^\s:/@?#[\]"'<>]{0,256}:)(?!\d{1,5}(?:[/?#\s"'),;]|$))[^\s"'<>]{0,512}(?=@)/gi,
    stays: '$1',
  },
  // `password = x`, `"password": "x"`, `PGPASSWORD=x`, `--password x`, `?password=x&`.
  {
    pattern: new RegExp(String.raw`(${word}s?(?:\\?["'])?[ \t]{0,9}(?:=>|:=|[=:])[ \t]{0,9})${value}`, 'gi'),
    stays: '$1',
  },
  {
    pattern: new RegExp(
      String.raw`(--(?:[a-z]{1,20}-)?(?:password|passwd|passphrase|secret|token|api-key)[ =]{1,9})(?!-)${value}`,
      'gi',
    ),
    stays: '$1',
  },
  {
    pattern: /((?:^|\s)(?:curl|wget|http)\b[^\n]{0,256}?\s(?:-u|--user)[ =]{1,9}["']?[^\s:"']{1,128}:)[^\s"']+/gim,
    stays: '$1',
  },
  // SQL.
  { pattern: /\b((?:password|identified by)\s{1,9})(?:E?'(?:[^'\\]|''|\\.)*'?|\$\$[^$]*(?:\$\$)?)/gi, stays: '$1' },
  { pattern: /\bSCRAM-SHA-256\$\d{1,9}:[\w+/=]+\$[\w+/=]+:[\w+/=]+/g },
  { pattern: /(?<![0-9a-zA-Z])md5[0-9a-f]{32}(?![0-9a-zA-Z])/g },
  // Tokens that say what they are.
  { pattern: /(?<![0-9A-Za-z])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![0-9A-Za-z])/g },
  { pattern: /(?<![0-9A-Za-z])(?:gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,})/g },
  { pattern: /(?<![0-9A-Za-z])gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[\w.-]{16,}/g },
  { pattern: /(?<![0-9A-Za-z])xox[abeoprs]-[0-9A-Za-z-]{10,}/g },
  { pattern: /(?<![0-9A-Za-z])xapp-\d-[0-9A-Za-z-]{10,}/g },
  { pattern: /(hooks\.slack\.com\/(?:services|workflows)\/)[\w/]+/g, stays: '$1' },
  { pattern: /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g },
  { pattern: /(?<![0-9A-Za-z])AIza[\w-]{35}/g },
  { pattern: /(?<![0-9A-Za-z])(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{10,}/g },
  { pattern: /(?<![0-9A-Za-z])sk-(?:ant-|proj-|svcacct-)?[\w-]{20,}/g },
  { pattern: /(?<![0-9A-Za-z])npm_[0-9A-Za-z]{30,}/g },
  { pattern: /(?<![0-9A-Za-z])pypi-[\w-]{30,}/g },
  { pattern: /(?<![0-9A-Za-z])dckr_(?:pat|oat)_[\w-]{20,}/g },
  { pattern: /(?<![0-9A-Za-z])hv[sbr]\.[\w-]{20,}/g },
  { pattern: /(?<![0-9A-Za-z])SG\.[\w-]{16,}\.[\w-]{16,}/g },
];

/** Replaces each secret that has one of these forms by `mark`. */
export function withoutPatterns(text: string, mark: string): string {
  let output = text;
  for (const { pattern, stays = '' } of patterns) output = output.replace(pattern, `${stays}${mark}`);
  return output;
}
