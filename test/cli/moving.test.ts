import { describe, expect, it } from 'vitest';
import { moveSettings, withMoves, withRequestedSettings } from '../../src/cli/shared-options.ts';

const none = { instance: [], remediator: [], toNamedVolume: [] };

describe('--to-named-volume', () => {
  it('looks at its instances alone, unless something else is named', () => {
    const move = { ...none, toNamedVolume: ['orders'] };
    expect(withMoves(move, [])).toEqual({ ...move, instance: ['orders'], remediator: ['volume-permissions'] });
    expect(withMoves(move, ['postgres/port-allocation-conflicts'])).toEqual(move);
    expect(withMoves({ ...move, instance: ['sales'] }, [])).toEqual({ ...move, instance: ['sales'] });
    expect(withMoves(none, [])).toEqual(none);
  });

  it('stands in place of the instances that the config names, and leaves all else in it', () => {
    const section = { pause: 'x', settings: { other: { a: 1 }, 'volume-permissions': { toNamedVolume: ['sales'] } } };
    expect(withRequestedSettings(section, moveSettings(['orders']))).toEqual({
      pause: 'x',
      settings: { other: { a: 1 }, 'volume-permissions': { toNamedVolume: ['orders'] } },
    });
    expect(withRequestedSettings(section, moveSettings([]))).toBe(section);
    expect(withRequestedSettings({}, moveSettings(['orders']))).toEqual({
      settings: { 'volume-permissions': { toNamedVolume: ['orders'] } },
    });
    // What is no object is left to the check of the config.
    expect(withRequestedSettings({ settings: 'x' }, moveSettings(undefined))).toEqual({ settings: 'x' });
  });
});
