import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../src/remediation');

/** The source of the second argument of each call of `refusal` in the sources: what you can do. */
const advice = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .flatMap((path) => {
    const text = readFileSync(join(folder, path), 'utf8');
    return [...text.matchAll(/(?<![\w.]|function )refusal\(/g)].flatMap(({ index }) => {
      const [, second] = argumentsAt(text, index + 'refusal'.length);
      return second === undefined ? [] : [[relative('.', path), second] as const];
    });
  });

/** The arguments of a call, from its opening parenthesis; commas within brackets, strings and templates are theirs. */
function argumentsAt(text: string, open: number): readonly string[] {
  const found: string[] = [];
  const closers: string[] = [];
  let start = open + 1;
  for (let at = open; at < text.length; at += 1) {
    const sign = text.charAt(at);
    const inside = closers.at(-1);
    if (inside === "'" || inside === '`') {
      if (sign === '\\') at += 1;
      else if (sign === inside) closers.pop();
      else if (inside === '`' && text.startsWith('${', at)) {
        closers.push('}');
        at += 1;
      }
    } else if (sign === "'" || sign === '`') closers.push(sign);
    else if (sign === '(' || sign === '[' || sign === '{') closers.push(sign === '(' ? ')' : sign === '[' ? ']' : '}');
    else if (sign === inside) closers.pop();
    if (closers.length === 0 || (sign === ',' && closers.length === 1)) {
      found.push(text.slice(start, at).trim());
      start = at + 1;
    }
    if (closers.length === 0) return found.filter((argument) => argument !== '');
  }
  return found;
}

describe('a refusal', () => {
  it('is found in the sources of every remediator that refuses', () => {
    expect(advice.length).toBeGreaterThan(100);
  });

  it.for(advice)('%s says what to do next: %s', ([, text]) => {
    // Words that are given elsewhere are covered there.
    if (!/^['`]/.test(text)) return;
    // Shorter words name no command, setting or place: `Start it first.`
    if (text !== "'No action needed.'") expect(text.length).toBeGreaterThanOrEqual(26);
    expect(text).not.toMatch(/^['`](?:It|This|That|There|You) /);
  });
});
