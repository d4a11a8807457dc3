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

describe('a profile', () => {
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
});
