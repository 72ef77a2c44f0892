import { namePrefix } from '../../host/instances.ts';
import type { ProblemRecord } from '../../registry/record.ts';

/**
 * Whether a record's own words name an instance: `orders`, or its container `vrooli-postgres-orders`. Neither
 * `orders-archive` nor `pre-orders` does, since a hyphen belongs to names.
 */
export function isInstanceNamed(record: ProblemRecord, instance: string): boolean {
  const name = instance.toLowerCase();
  return name !== '' && wordsOf(record).some((text) => holdsName(text.toLowerCase(), name));
}

function holdsName(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    const before = text.slice(0, at);
    const isBegin = endsFree(before) || (before.endsWith(namePrefix) && endsFree(before.slice(0, -namePrefix.length)));
    if (isBegin && !/^[\p{L}\p{N}_-]/u.test(text.slice(at + name.length, at + name.length + 2))) return true;
  }
  return false;
}

function endsFree(text: string): boolean {
  return !/[\p{L}\p{N}_-]$/u.test(text.slice(-2));
}

/** Where it stands and what it is called there says nothing of instances: a registry's component may be `postgres`. */
const aboutTheFile = new Set(['kind', 'id', 'component', 'path', 'place', 'places']);

/** What people have written, without the names that the kinds give to it. */
function wordsOf(record: ProblemRecord): readonly string[] {
  const written = Object.entries(record).flatMap(([key, value]) => (aboutTheFile.has(key) ? [] : textsIn(value)));
  const metrics = record.kind === 'active' ? Object.keys(record.evidence?.metrics ?? {}) : [];
  return [...written, ...metrics];
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
