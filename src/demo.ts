import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { SignJWT } from 'jose/jwt/sign';
import type { Viewer } from './auth/viewer.js';
import { SHORTEST_SECRET } from './config-values.js';
import { createOnce } from './database/create-once.js';
import { makeDirectory } from './database/make-directory.js';
import { StartError } from './errors.js';
import { MessagesService } from './messages/messages.service.js';
import { errorCode } from './reasons.js';
import { ThreadsService } from './threads/threads.service.js';
import { UsersService } from './users/users.service.js';

const TOURIST = { id: 'demo-tourist', displayName: 'Tara Tourist' };
const GUIDE = { id: 'demo-guide', displayName: 'Gil Guide' };
const TRIP = 'demo-trip';
const TOKEN_LIFE = '30d';

export interface Demo {
  readonly threadId: string;
  readonly touristToken: string;
  readonly guideToken: string;
}

/** The secret of an installation that was given no token key: made once, kept in its data directory. */
export async function demoSecret(dataDir: string): Promise<string> {
  const file = path.join(dataDir, 'jwt-secret');
  const secret = (await keptSecret(file)).trim();
  if (secret.length >= SHORTEST_SECRET) return secret;
  throw new StartError(
    `The secret of the demo's tokens in ${file} is not whole (${SHORTEST_SECRET} characters or more). ` +
      'Delete that file, and the next start makes another: tokens made with the old one end.',
  );
}

async function keptSecret(file: string): Promise<string> {
  try {
    await makeDirectory(path.dirname(file));
    return await readFile(file, 'utf8').catch(async (error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      await createOnce(file, randomBytes(48).toString('base64url'), 0o600);
      return readFile(file, 'utf8');
    });
  } catch (error) {
    throw new StartError(
      `The secret of the demo's tokens cannot be kept in DATA_DIR: ${(error as Error).message}. ` +
        'Choose another directory, or set JWT_SECRET, JWT_PUBLIC_KEY or JWKS_URL.',
      { cause: error },
    );
  }
}

/** Two people, their thread and a first message; the same again on the next start. */
export async function seedDemo(app: INestApplication, secret: string): Promise<Demo> {
  const service = viewer('demo', true);
  const profile = { avatarUrl: null, email: null, timeZone: null, locale: null };
  await app.get(UsersService).upsert(service, [
    { ...profile, ...TOURIST },
    { ...profile, ...GUIDE },
  ]);
  const key = { tripId: TRIP, touristId: TOURIST.id, guideId: GUIDE.id };
  const { thread } = await app.get(ThreadsService).open(service, key);
  const draft = {
    body: 'Hello Gil, where do we meet tomorrow?',
    messageType: 'TEXT',
    location: null,
    replyToId: null,
  } as const;
  if (thread.lastSequence === 0)
    await app
      .get(MessagesService)
      .send(viewer(TOURIST.id, false), thread.id, draft, 'demo-first-message');
  const token = ({ id, displayName }: typeof TOURIST): Promise<string> =>
    new SignJWT({ name: displayName })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(id)
      .setExpirationTime(TOKEN_LIFE)
      .sign(new TextEncoder().encode(secret));
  return {
    threadId: thread.id,
    touristToken: await token(TOURIST),
    guideToken: await token(GUIDE),
  };
}

const viewer = (userId: string, isService: boolean): Viewer => ({
  userId,
  isService,
  isAdmin: false,
  displayName: null,
  avatarUrl: null,
  issuedAt: null,
  expiresAt: Infinity,
});

/** What `npm start` says once it serves. */
export const describeDemo = (
  origin: string,
  { threadId, touristToken, guideToken }: Demo,
): string => `
  parley serves ${origin}/graphql (HTTP and WebSocket)

  Playground   ${origin}/playground

  Token of ${TOURIST.displayName}:
  ${touristToken}

  Token of ${GUIDE.displayName}:
  ${guideToken}

  Watch: open the playground and run its tab WatchLive. Send from a shell, and see it arrive:
  curl -s ${origin}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${guideToken}' \\
    -d '{"query":"mutation($i:SendMessageInput!){sendMessage(input:$i){message{sequence body}}}","variables":{"i":{"threadId":"${threadId}","body":"At the fountain, at nine!","clientMessageId":"'$(date +%s%N)'"}}}'
`;
