import { verificationResults } from './contract.ts';
import { formsOf } from './secret-forms.ts';
import { withoutPatterns } from './secret-patterns.ts';

const mark = '[redacted]';

/** Keys whose value is secret. */
const secretKey =
  /(?:pass(?:word|wd|phrase)?|pgpassword|pwd|secret|(?:api|access|private)_?key|(?:auth|access|refresh)_?token|credential)s?$/i;

/** Keys of findings, plans and verifications whose values are words and names of ours, and never text of a server. */
const ownKeys: ReadonlySet<string> = new Set([
  'action',
  'automation',
  'cause',
  'check',
  'class',
  'id',
  'instance',
  'kind',
  'level',
  'operation',
  'outcome',
  'phase',
  'problem',
  'remediator',
  'risk',
  'run',
  'sqlstate',
  'state',
  'status',
  'trouble',
  'type',
  'via',
]);

/** Words and names as we write them: `port-taken`, `container.start`, `backup-repair/orders/broken`. */
const ownWord = /^[a-z][a-z0-9]*(?:[-./_][a-z0-9]+)*$/i;

/** The results of verifications; that of a query or a probe is text. */
const results: ReadonlySet<string> = new Set(verificationResults);

export interface Redactor {
  text(text: string): string;
  /** Every string in it, and every string under a key that names a secret. Our own keys and words stay. */
  data(value: unknown): unknown;
}

/**
 * Redacts secrets in everything that is printed or stored: every password that is known, in each form in which it may
 * appear, and everything that looks like a secret. A password may be a word of our own, such as `kind` or `container.start`.
 * So keys, and words under keys such as `type`, are left as they are: they come from us and not from a server.
 */
export function redactor(known: () => readonly string[]): Redactor {
  let forms: readonly string[] = [];
  let formsFor: readonly string[] = [];

  function currentForms(): readonly string[] {
    const secrets = known();
    // The same list as long as nothing was added to it.
    if (secrets !== formsFor) [forms, formsFor] = [formsOf(secrets), secrets];
    return forms;
  }

  function text(input: string): string {
    let output = input;
    for (const form of currentForms()) output = output.replaceAll(form, mark);
    return withoutPatterns(output, mark);
  }

  function item(key: string, value: unknown): unknown {
    if (typeof value !== 'string') return data(value);
    if (secretKey.test(key) && value !== '') return mark;
    return isOwn(key, value) ? withoutPatterns(value, mark) : text(value);
  }

  function data(value: unknown): unknown {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(data);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]: readonly [string, unknown]) => [
        /^[\w.-]*$/.test(key) ? key : text(key),
        item(key, one),
      ]),
    );
  }

  return { text, data };
}

function isOwn(key: string, value: string): boolean {
  return ownKeys.has(key) ? ownWord.test(value) : key === 'result' && results.has(value);
}
