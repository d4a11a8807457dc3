import type { DynamicModule } from '@nestjs/common';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthModule } from './auth/auth.module.js';
import { Config } from './config.js';
import { DatabaseModule } from './database/database.module.js';
import { EventsModule } from './events/events.module.js';
import { GRAPHQL_PATH } from './graphql/endpoint.js';
import { GraphqlModule } from './graphql/graphql.module.js';
import { jsonParserOf } from './graphql/json-body.js';
import { KnownOperations } from './graphql/known-operations.js';
import { PlaygroundModule } from './graphql/playground.module.js';
import { answerWholeRequests } from './graphql/whole-requests.js';
import { HealthModule } from './health/health.module.js';
import { InboxReady } from './inbox/inbox-event.model.js';
import { InboxModule } from './inbox/inbox.module.js';
import { AppLogger } from './logger.js';
import { MessagesModule } from './messages/messages.module.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { RateLimitsModule } from './rate-limits/rate-limits.module.js';
import { ThreadRemoved } from './threads/thread.model.js';
import { ThreadsModule } from './threads/threads.module.js';
import { UsersModule } from './users/users.module.js';

/** Kinds of InboxEvent that no subscription of their own names. */
const MORE_TYPES = [InboxReady, ThreadRemoved];
/** Bytes of an HTTP request: 1,000 people of upsertUsers, or a message of 4,000 characters many times over. */
const BODY_LIMIT = 1024 * 1024;
/**
 * In which a request has to come, its body as well: Fastify lets one that never ends be kept for ever, by anybody. Node.js
 * answers 408 (it looks every 30 s), and counts neither the time that an answer takes nor idle connections and sockets.
 */
const REQUEST_MS = 60_000;

/** No route has a JSON schema (GraphQL says what is right), so Fastify need not load Ajv and its serializer for any. */
const noJsonSchemas = (): never => {
  throw new Error('BUG: a route has a JSON schema');
};

@Global()
@Module({})
class ConfigModule {
  static with(config: Config): DynamicModule {
    return {
      module: ConfigModule,
      providers: [{ provide: Config, useValue: config }],
      exports: [Config],
    };
  }
}

/** The table of contents. */
@Module({})
class AppModule {
  static with(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config),
        DatabaseModule,
        EventsModule,
        RateLimitsModule,
        AuthModule,
        InboxModule,
        GraphqlModule.with(MORE_TYPES),
        PlaygroundModule,
        HealthModule,
        UsersModule,
        ThreadsModule,
        MessagesModule,
        PresenceModule,
        NotificationsModule,
      ],
    };
  }
}

/** The application, ready to listen; main and the tests use the same. DATABASE_URL must be set by now. */
export async function createApp(config: Config): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_MS,
    // Idle keep-alive connections must not hold up a stop.
    forceCloseConnections: 'idle',
    schemaController: {
      compilersFactory: { buildValidator: noJsonSchemas, buildSerializer: noJsonSchemas },
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config), adapter, {
    logger: new AppLogger(config),
    abortOnError: false,
  });
  // The same origins as for sockets; identity is in a header, so no cookies are ever allowed.
  if (config.ALLOWED_ORIGINS.length > 0)
    app.enableCors({
      origin: config.ALLOWED_ORIGINS.includes('*') ? '*' : config.ALLOWED_ORIGINS,
      methods: ['GET', 'POST'],
      allowedHeaders: ['authorization', 'content-type'],
      maxAge: 600,
    });
  const server = adapter.getInstance();
  app.useBodyParser('application/json', { bodyLimit: BODY_LIMIT }, jsonParserOf(server));
  app.get(KnownOperations).serve(server);
  // Its answers have no headers for other origins.
  if (config.ALLOWED_ORIGINS.length === 0) answerWholeRequests(server, app.get(KnownOperations));
  if (config.PLAYGROUND)
    server.addHook('onRequest', async (request, reply) => {
      const opened = request.method === 'GET' && request.url.split('?', 1)[0] === GRAPHQL_PATH;
      if (opened && request.headers.accept?.includes('text/html') === true)
        await reply.redirect('/playground');
    });
  return app;
}
