import { describe, expect, it } from '@jest/globals';
import { RememberedTexts } from './remembered-texts.js';

describe('texts that are remembered', () => {
  const text = (name: string, length: number): string => name.padEnd(length, '.');

  it('are the last ones, as many as there may be', () => {
    const texts = new RememberedTexts<number>(2);
    for (const [value, name] of ['a', 'b', 'c'].entries()) texts.set(name, value);
    expect(['a', 'b', 'c'].map((name) => texts.get(name))).toEqual([undefined, 1, 2]);
  });

  it('are none that is long', () => {
    const texts = new RememberedTexts<number>(2);
    texts.set(text('long', 16_385), 1);
    texts.set(text('short', 16_384), 2);
    expect(texts.get(text('long', 16_385))).toBeUndefined();
    expect(texts.get(text('short', 16_384))).toBe(2);
  });

  it('are no more than there is room for, however many there may be', () => {
    const texts = new RememberedTexts<number>(1_000);
    for (let name = 0; name < 17; name++) texts.set(text(`${name}`, 16_384), name);
    const names = Array.from({ length: 17 }, (_, name) => name);
    const kept = names.filter((name) => texts.get(text(`${name}`, 16_384)) === name);
    expect(kept).toEqual(names.slice(1));
    texts.set('small', 17);
    expect(texts.get(text('1', 16_384))).toBeUndefined();
    expect(texts.get('small')).toBe(17);
  });
});
