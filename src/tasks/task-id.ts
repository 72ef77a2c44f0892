const longest = 100;

/**
 * The id of a task: its kind, the problem's id with `--` for each slash, and its topic. Different problems have
 * different ids: what the letters `a-z`, digits and single dashes of the usual id cannot tell apart, or what is too
 * long, is told apart by a hash of the whole at the end.
 */
export function taskId(kind: string, problem: string, topic?: string): string {
  const whole = [kind, problem, ...(topic === undefined ? [] : [topic])];
  const plain = `${kind}-${whole.slice(1).map(slugged).join('--')}`;
  const usual = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\/[a-z0-9]+(?:-[a-z0-9]+)*)*$/.test(problem);
  return usual && plain.length <= longest ? plain : hashed(plain, whole.join('\n'));
}

/** An id with a hash at its end, for what would have the same id without one. */
export function hashed(id: string, content: string): string {
  return `${id.slice(0, longest - 9).replace(/-+$/, '')}-${hash(content)}`;
}

function slugged(text: string): string {
  const parts = text.toLowerCase().split('/');
  return parts.map((part) => part.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')).join('--');
}

/** FNV-1a over UTF-16 code units, 32 bits, as eight hexadecimal digits. No secret hangs on it, and it loads nothing. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return (value >>> 0).toString(16).padStart(8, '0');
}
