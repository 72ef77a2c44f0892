import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { remediate, type Remediator, type Schema } from '../../src/app/remediation.ts';
import { readRemediationConfig } from '../../src/remediation/config.ts';
import { checkValue, isSchema, parseValue } from '../../src/remediation/standard-schema.ts';
import { answers, brokenFiles, brokenFolder, openFolder, removeFolder } from './broken-files.ts';

/** A hand-written schema: an object with one text. */
const byHand: Schema<{ folder: string }> = {
  '~standard': {
    version: 1,
    vendor: 'by-hand',
    validate(value) {
      if (typeof value !== 'object' || value === null || !('folder' in value) || typeof value.folder !== 'string')
        return { issues: [{ message: 'must be a text', path: ['folder'] }] };
      return { value: { folder: value.folder } };
    },
  },
};

describe('a schema from any library', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await brokenFolder();
  });
  afterEach(async () => removeFolder(folder));

  it('validates details and expectations of a remediator whose plans the engine runs', async () => {
    const remediator: Remediator<{ folder: string }, { folder: string }> = {
      ...brokenFiles,
      details: byHand,
      expected: byHand,
    };
    const remediation = await openFolder(folder, { remediators: [remediator] });
    expect((await remediate(remediation)).runs).toMatchObject([{ outcome: 'fixed' }]);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    remediation.close();
  });

  it('refuses invalid details, with path and message', async () => {
    const detect: Remediator['detect'] = async (host) => {
      const { findings, notLookedAt } = await brokenFiles.detect(host);
      return { findings: findings.map((one) => ({ ...one, details: { folder: 1 } })), notLookedAt };
    };
    const remediator: Remediator = { ...brokenFiles, details: byHand, detect };
    const remediation = await openFolder(folder, { remediators: [remediator] });
    const { runs } = await remediate(remediation);
    expect(runs).toMatchObject([
      {
        outcome: 'failed',
        failure: { message: expect.stringContaining('does not fit its schema: folder: must be a text') },
      },
    ]);
    remediation.close();
  });
});

describe('settings with a schema from another library', () => {
  it('are validated when the config is read', () => {
    const context = { remediators: [{ name: 'mine', settings: byHand }], operations: new Map() };
    expect(readRemediationConfig({ settings: { mine: { folder: '/x' } } }, context).settings).toEqual({
      mine: { folder: '/x' },
    });
    expect(() =>
      readRemediationConfig({ settings: { mine: {} } }, { ...context, file: 'problems.config.json' }),
    ).toThrow('problems.config.json: remediation.settings.mine: folder: must be a text');
  });
});

describe('checkValue', () => {
  it('returns the value of a zod schema with its defaults, or its faults', () => {
    const schema = z.strictObject({ a: z.number().default(1), b: z.array(z.string()).default([]) });
    expect(checkValue(schema, {})).toEqual({ ok: true, value: { a: 1, b: [] } });
    expect(checkValue(schema, { a: 'x', b: [1] })).toMatchObject({
      ok: false,
      fault: expect.stringMatching(/^a: .+; b\.0: .+$/),
    });
  });

  it('refuses an asynchronous schema', () => {
    const later: Schema = { '~standard': { version: 1, vendor: 'later', validate: async (value) => ({ value }) } };
    expect(() => parseValue(later, 1, 'details')).toThrow('A schema of later is asynchronous');
  });
});

describe('isSchema', () => {
  it.each([
    [byHand, true],
    [z.string(), true],
    [{ parse: () => 1, safeParse: () => 1 }, false],
    [{ '~standard': { version: 2, vendor: 'x', validate: () => ({ value: 1 }) } }, false],
    [{ '~standard': null }, false],
    [null, false],
  ])('of %j is %s', (value, is) => {
    expect(isSchema(value)).toBe(is);
  });
});
