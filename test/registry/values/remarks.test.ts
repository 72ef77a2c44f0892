import { describe, expect, it } from 'vitest';
import { beforeRemarkIn } from '../../../src/registry/values/remarks.ts';
import { cpuTimeOf } from '../../cpu-time.ts';

function read(text: string): string | undefined {
  return /^[a-z]+$/.test(text) ? text : undefined;
}

describe('a value with marks around it', () => {
  it.each([
    ['✅ done ✅', 'done'],
    ['[x] (done).', 'done'],
    ['“done” ✔ !', 'done'],
    ['👩‍💻 done 👩‍💻', 'done'],
    ['1️⃣', undefined],
    ['✅ ✅', undefined],
  ])('%s is %s', (text, value) => {
    expect(beforeRemarkIn(text, read)?.value).toBe(value);
  });

  it.each(['✅ ', '✅', '. ', ' ', '[x] ', '(', '"'])('is read in linear time, of marks alone too: %j', (mark) => {
    const text = `a ${mark.repeat(20_000)}b`;
    expect(cpuTimeOf(() => beforeRemarkIn(text, read))).toBeLessThan(200);
    expect(cpuTimeOf(() => beforeRemarkIn(mark.repeat(20_000), read))).toBeLessThan(200);
  });
});
