import { describe, expect, it } from 'vitest';
import { presentWorstCase } from '../../src/app/tune.ts';
import type { ServerSettings } from '../../src/remediation/shared/server-settings.ts';

const MiB = 2 ** 20;

/** A server with the defaults of the image: nothing overrides what PostgreSQL assumes. */
const defaults: ServerSettings = { asked: true, major: 17, values: new Map(), unknown: [] };

describe('the worst case of the present settings', () => {
  it.for([
    ['is named with the defaults of the image in a limit of 512 MiB', 512, 'limit', 1],
    ['is not named if it fits', 2048, 'limit', 0],
    ['is not named without a limit', 512, 'share', 0],
  ] as const)('%s', ([, memory, memoryIs, count]) => {
    const facts = { cpus: 2, memory: memory * MiB, memoryIs, perBackend: undefined };
    expect(presentWorstCase(facts, defaults)).toHaveLength(count);
  });

  it('says both figures and when it would become a finding', () => {
    expect(
      presentWorstCase({ cpus: 2, memory: 512 * MiB, memoryIs: 'limit', perBackend: undefined }, defaults),
    ).toEqual([
      expect.stringMatching(
        /^its present settings allow \d+MB at worst, more than its limit of 512MB: .*problems detect/,
      ),
    ]);
  });
});
