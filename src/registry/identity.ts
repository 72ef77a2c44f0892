import { wordsIn } from '../util/words.ts';

/** Letters and digits of any script stay, in lower case and without Latin accents; everything else becomes one dash. At most 80 characters. */
function slug(title: string): string {
  const plain = /^[\x20-\x7E]*$/.test(title) ? title : withoutAccents(title);
  const words = wordsIn(plain.replaceAll(/['’]/g, '').toLowerCase());
  return words.join('-').slice(0, 80).replace(/-$/, '');
}

function withoutAccents(title: string): string {
  return title
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036F]/g, '')
    .normalize('NFC');
}

/** `postgres` and `Port Allocation Conflicts` → `postgres/port-allocation-conflicts`. A title without letters or digits is `untitled`. */
export function recordId(component: string, title: string): string {
  return `${component}/${slug(title) || 'untitled'}`;
}

const asciiId = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** What a record may call itself in its header: parts of letters, digits, `.`, `_` and `-`, joined by `/`; at most 200 characters. */
export function isValidId(id: string): boolean {
  return (
    id.length <= 200 &&
    (asciiId.test(id) || /^[\p{L}\p{N}_-][\p{L}\p{N}._-]*(?:\/[\p{L}\p{N}_-][\p{L}\p{N}._-]*)*$/u.test(id))
  );
}
