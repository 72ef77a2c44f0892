import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const sources = join(import.meta.dirname, '../../src');

describe('a helper container', () => {
  it('never gets the capability that opens files of the host by handle', () => {
    const naming = globSync('**/*.ts', { cwd: sources }).filter((path) =>
      /['"`](?:CAP_)?(?:DAC_READ_SEARCH|SYS_ADMIN|ALL)['"`]/.test(
        readFileSync(join(sources, path), 'utf8').replaceAll(/CapDrop: \['ALL'\]/g, ''),
      ),
    );
    // Reads which capabilities a container of someone else has.
    expect(naming).toEqual(['remediation/remediators/volume-permissions/files.ts']);
  });
});
