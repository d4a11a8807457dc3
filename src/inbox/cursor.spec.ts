import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodePosition, encodePosition } from './cursor.js';

const EPOCH = 'abcdefgh';
const bounds = { position: 100, floor: 10 };

const codeOf = (cursor: string, userId = 'ann'): string => {
  try {
    return String(decodePosition(cursor, EPOCH, userId, bounds));
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a cursor', () => {
  it('gives back its position, for its person', () => {
    for (const position of [10, 11, 99, 100])
      expect(codeOf(encodePosition(EPOCH, 'ann', position))).toBe(String(position));
  });

  it('is nobody else’s', () => {
    expect(codeOf(encodePosition(EPOCH, 'ann', 50), 'ben')).toBe('BAD_USER_INPUT');
  });

  it('asks for a fresh start below the floor, above the head and in another epoch', () => {
    expect(codeOf(encodePosition(EPOCH, 'ann', 9))).toBe('RESYNC_REQUIRED');
    expect(codeOf(encodePosition(EPOCH, 'ann', 101))).toBe('RESYNC_REQUIRED');
    expect(codeOf(encodePosition('hgfedcba', 'ann', 50))).toBe('RESYNC_REQUIRED');
  });

  it('that was mangled on its way is BAD_USER_INPUT', () => {
    const cursor = encodePosition(EPOCH, 'ann', 50);
    for (const junk of ['!', ' ', '=', '\n', '+'])
      for (const place of [0, 5, cursor.length])
        expect(codeOf(cursor.slice(0, place) + junk + cursor.slice(place))).toBe('BAD_USER_INPUT');
  });

  it('of any nonsense is BAD_USER_INPUT', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(codeOf(text)).toBe('BAD_USER_INPUT');
        expect(codeOf(Buffer.from(text).toString('base64url'))).toBe('BAD_USER_INPUT');
      }),
    );
  });
});
