import { describe, expect, it } from 'vitest';
import { type LibrarySettings, parseSettings, reconcileSettings, type WantedSettings } from '../../src/settings.js';

const created: WantedSettings = { format: 1, numbering: 'dense', defaultKeyWindowMs: 7000 };
const refusing = { library: 'chat', alter: false };
const altering = { library: 'chat', alter: true };
const kept = (settings: Partial<LibrarySettings> = {}) =>
  JSON.stringify({ format: 1, ttlMs: 1000, keyWindowMs: 7000, numbering: 'dense', ...settings });

describe('settings of a library', () => {
  it('are for ever and the default window where it is created, or what is asked for', () => {
    const { settings, changed } = reconcileSettings(undefined, created, refusing);
    expect([settings, changed]).toEqual([{ format: 1, ttlMs: null, keyWindowMs: 7000, numbering: 'dense' }, true]);
    const asked = { ...created, ttlMs: 5, keyWindowMs: Number.POSITIVE_INFINITY };
    expect(reconcileSettings(undefined, asked, refusing).settings).toMatchObject({ ttlMs: 5, keyWindowMs: null });
  });

  it('are what stands where nothing is asked for', () => {
    const { settings, changed, text } = reconcileSettings(kept(), created, refusing);
    expect(settings).toEqual({ format: 1, ttlMs: 1000, keyWindowMs: 7000, numbering: 'dense' });
    expect([changed, text]).toEqual([false, kept()]);
    expect(reconcileSettings(kept(), { ...created, ttlMs: 1000, keyWindowMs: 7000 }, refusing).changed).toBe(false);
  });

  it.each([
    ['ttlMs', 999, 1000],
    ['ttlMs', Number.POSITIVE_INFINITY, 1000],
    ['keyWindowMs', 1, 7000],
  ] as const)('refuse another %s, with both values', (argument, expected, actual) => {
    expect(() => reconcileSettings(kept(), { ...created, [argument]: expected }, refusing)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_INVALID_ARGUMENT', argument, expected, actual }),
    );
    const { settings, changed } = reconcileSettings(kept(), { ...created, [argument]: expected }, altering);
    expect(settings[argument]).toBe(expected === Number.POSITIVE_INFINITY ? null : expected);
    expect(changed).toBe(true);
  });

  it('say Infinity for what is for ever', () => {
    expect(() => reconcileSettings(kept({ ttlMs: null }), { ...created, ttlMs: 5 }, refusing)).toThrow(
      expect.objectContaining({ expected: 5, actual: Number.POSITIVE_INFINITY }),
    );
  });

  it('never change the numbering or the format', () => {
    expect(() => reconcileSettings(kept(), { ...created, numbering: 'auto' }, altering)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_INVALID_ARGUMENT', argument: 'numbering' }),
    );
    expect(() => reconcileSettings(kept({ format: 2 }), created, altering)).toThrow(
      expect.objectContaining({ code: 'TIMELINE_UNSUPPORTED' }),
    );
  });

  it.each(['', 'x', '{}', kept({ ttlMs: -1 }), kept({ keyWindowMs: 0.5 }), kept({ numbering: 1 as never })])(
    'are not guessed from %j',
    (text) => {
      expect(() => parseSettings(text, 'chat')).toThrow(expect.objectContaining({ code: 'TIMELINE_UNAVAILABLE' }));
    },
  );
});
