import { describe, expect, it } from 'vitest';
import { withMoves, withMoveSetting } from '../../src/cli/shared-options.ts';

const none = { instance: [], remediator: [], toNamedVolume: [] };

describe('--to-named-volume', () => {
  it('checks only its own instances unless something else is named', () => {
    const move = { ...none, toNamedVolume: ['orders'] };
    expect(withMoves(move, [])).toEqual({ ...move, instance: ['orders'], remediator: ['volume-permissions'] });
    expect(withMoves(move, ['postgres/port-allocation-conflicts'])).toEqual(move);
    expect(withMoves({ ...move, instance: ['sales'] }, [])).toEqual({ ...move, instance: ['sales'] });
    expect(withMoves(none, [])).toEqual(none);
  });

  it('replaces the instances that the config names and keeps every other setting', () => {
    const section = { pause: 'x', settings: { other: { a: 1 }, 'volume-permissions': { toNamedVolume: ['sales'] } } };
    expect(withMoveSetting(section, ['orders'])).toEqual({
      pause: 'x',
      settings: { other: { a: 1 }, 'volume-permissions': { toNamedVolume: ['orders'] } },
    });
    expect(withMoveSetting(section, [])).toBe(section);
    expect(withMoveSetting({}, ['orders'])).toEqual({
      settings: { 'volume-permissions': { toNamedVolume: ['orders'] } },
    });
  });

  it('leaves settings that are not an object to the check of the config', () => {
    expect(withMoveSetting({ settings: 'x' }, undefined)).toEqual({ settings: 'x' });
  });
});
