import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { operations } from '../../src/remediation/operations.ts';
import { readRemediationConfig } from '../../src/remediation/config.ts';
import { remediators } from '../../src/remediation/remediators/index.ts';
import { jsonSchemaOf } from '../../src/schema/index.ts';

const file = 'problems.config.yaml';

/** A remediator of a plugin, as the config needs to know it. */
const plugin = { name: 'stale-pid', settings: z.strictObject({ minutes: z.number().default(5) }) };

const context = {
  remediators: [...remediators, plugin, { name: 'plain' }],
  operations: new Map(Object.entries(operations)),
  file,
};

function refusalOf(value: unknown): unknown {
  try {
    readRemediationConfig(value, context);
  } catch (error) {
    return error;
  }
  return undefined;
}

const valid = [
  {},
  { pause: 'maintenance', instances: { orders: { automation: 'human', windows: [{ from: '02:00', to: '04:30' }] } } },
  { settings: { memory: { raise: 'never' }, 'port-reassignment': { reserved: { '5440-5442': 'billing' } } } },
  { settings: { 'migration-lock': { folders: { orders: 'migrations' } }, 'stale-pid': { minutes: 3 } } },
];

/** The fault, the key that the message names, and the suggestion of the hint. */
const wrong: readonly (readonly [value: unknown, key: string, hint?: string])[] = [
  [{ alow: [] }, 'remediation.alow', 'allow'],
  [{ instances: { orders: { automaton: 'auto' } } }, 'remediation.instances.orders.automaton', 'automation'],
  [{ windows: [{ from: '2:00', to: '04:00' }] }, 'remediation.windows.0.from'],
  [{ allow: ['delete-data'] }, 'remediation.allow'],
  [{ allow: ['restart-runing'] }, 'remediation.allow', 'restart-running'],
  [{ settings: { memory: { rise: 'never' } } }, 'remediation.settings.memory.rise', 'raise'],
  [{ settings: { memory: { raise: 'always' } } }, 'remediation.settings.memory.raise'],
  [{ settings: { memory: 5 } }, 'remediation.settings.memory'],
  [{ settings: { 'port-reassignment': { range: 'all' } } }, 'remediation.settings.port-reassignment.range'],
  [{ settings: { 'stale-pid': { minute: 3 } } }, 'remediation.settings.stale-pid.minute', 'minutes'],
];

describe('the section `remediation` of the config', () => {
  it.each(valid)('is accepted: %j', (value) => {
    expect(refusalOf(value)).toBeUndefined();
  });

  it.for(wrong)('is refused with the file and the key if it is invalid: %j', ([value, key, hint]) => {
    expect(refusalOf(value)).toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(new RegExp(`^${file}: ${key}\\b`)),
    });
    if (hint !== undefined) expect(refusalOf(value)).toMatchObject({ hint: `Did you mean ${hint}?` });
  });

  it('is refused if it has settings for an unknown remediator', () => {
    expect(refusalOf({ settings: { memroy: {} } })).toMatchObject({
      code: 'bad-config',
      message: `${file}: remediation.settings.memroy: unknown remediator memroy`,
      hint: 'Did you mean memory?',
    });
  });

  it('is refused if it has settings for a remediator that declares none', () => {
    expect(refusalOf({ settings: { plain: {} } })).toMatchObject({
      message: `${file}: remediation.settings.plain: plain has no settings`,
    });
  });
});

describe('the published config schema', () => {
  const schema = jsonSchemaOf('config');
  const accepts = new Ajv2020({ strictTypes: false, formats: { 'date-time': true, date: true } }).compile(schema);

  it.each(valid)('accepts %j', (remediation) => {
    expect([accepts({ remediation }), accepts.errors]).toEqual([true, null]);
  });

  it.each([
    { alow: [] },
    { instances: { orders: { automaton: 'auto' } } },
    { settings: { memory: { rise: 'never' } } },
    { settings: { memory: { raise: 'always' } } },
    { settings: { memory: 5 } },
    { settings: { 'connection-pool': { samples: 1 } } },
  ])('refuses %j', (remediation) => {
    expect(accepts({ remediation })).toBe(false);
  });

  it.each(remediators.filter(({ settings }) => settings !== undefined).map(({ name }) => name))(
    'describes every setting of %s',
    (name) => {
      const path = ['properties', 'remediation', 'properties', 'settings', 'properties', name, 'properties'];
      const properties = path.reduce<unknown>(
        (at, key) => (at instanceof Object ? Reflect.get(at, key) : undefined),
        schema,
      );
      expect(Object.values(properties ?? {})).not.toEqual([]);
      for (const property of Object.values(properties ?? {}))
        expect(property).toMatchObject({ description: expect.stringMatching(/\w.*\.$/) });
    },
  );
});
