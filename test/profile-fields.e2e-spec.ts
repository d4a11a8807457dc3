import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { TestApp } from './support/app.js';
import { startApp } from './support/app.js';
import { PLATFORM } from './support/seeds.js';

const UPSERT =
  'mutation ($input: UpsertUsersInput!) { upsertUsers(input: $input) { users { displayName } } }';
let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

/** @returns what the refusal says, or null */
async function upsert(profile: object): Promise<string | null> {
  const service = app.as('platform', PLATFORM);
  const { errors } = await service.send(UPSERT, {
    input: { users: [{ id: randomUUID(), ...profile }] },
  });
  return errors?.[0]?.message ?? null;
}

const BLANK = ['', '   ', '\u200b\u2060'];

describe('a profile', () => {
  it.each(BLANK)('has no name that nobody sees: %j', async (displayName) => {
    expect(await upsert({ displayName })).toBe(
      'users.0.displayName must have at least one character that can be seen',
    );
  });

  it.each(BLANK)('keeps its name where a later token says a blank one: %j', async (name) => {
    const id = randomUUID();
    await upsert({ id, displayName: 'Ann' });
    const iat = Math.floor(Date.now() / 1_000) + 60;
    const { viewer } = await app.as(id, { name, iat }).run('{ viewer { user { displayName } } }');
    expect(viewer.user.displayName).toBe('Ann');
  });

  it.each(['javascript:alert(1)', 'ann.png', '//pictures.example/ann.png', 'https://'])(
    'has no picture where a token says one that is no URL of the web: %s',
    async (picture) => {
      const person = app.as(randomUUID(), { name: 'Ann', picture });
      const { viewer } = await person.run('{ viewer { user { displayName avatarUrl } } }');
      expect(viewer.user).toEqual({ displayName: 'Ann', avatarUrl: null });
    },
  );

  it('has a name of 200 characters, whatever they are, and none of more', async () => {
    expect(await upsert({ displayName: '🗺'.repeat(200) })).toBeNull();
    for (const one of ['n', '🗺', '\ufe0f'])
      expect(await upsert({ displayName: `${'n'.repeat(200)}${one}` })).toBe(
        'users.0.displayName must have at most 200 characters',
      );
  });

  it.each(['es', 'es-ES', 'es-419', 'zh-Hant-TW'])('has a locale such as %s', async (locale) => {
    expect(await upsert({ locale })).toBeNull();
  });

  it.each(['es_ES', 'español', '', 'e', 'es-'])(
    'has no locale such as %p, and the refusal says what it should be',
    async (locale) => {
      expect(await upsert({ locale })).toBe(
        'users.0.locale must be a BCP 47 language tag such as es-ES',
      );
    },
  );

  it('has a locale of at most 100 characters, however many extensions a tag may have', async () => {
    const tag = (length: number): string => 'es-x'.padEnd(length, '-abcdefgh');
    expect(await upsert({ locale: tag(100) })).toBeNull();
    expect(await upsert({ locale: tag(101) })).toBe(
      'users.0.locale must have at most 100 characters',
    );
  });
});
