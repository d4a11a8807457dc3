import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloDriver } from '@nestjs/apollo';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import type { DynamicModule, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import type { FastifyRequest } from 'fastify';
import { identify } from '../auth/identity.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import { ErrorCode } from '../errors.js';
import { ApolloRules } from './apollo.plugin.js';
import { toClientError } from './client-errors.js';
import { createContext } from './context.js';
import { DateTimeScalar } from './date-time.scalar.js';
import { GRAPHQL_PATH } from './endpoint.js';
import './error-code.model.js';
import { ErrorFilter } from './error.filter.js';
import { FreshLoaders } from './fresh-loaders.guard.js';
import { inputValidation } from './input-validation.js';
import { PARSE_OPTIONS } from './operation-limits.js';
import { withPlainFields } from './plain-fields.js';
import { EventLoads } from './event-loads.js';
import { Executor } from './executor.js';
import { KnownOperations } from './known-operations.js';
import { OperationRules } from './operation-rules.js';
import { SocketOperations } from './socket-operations.js';
import { SocketPresence } from './socket-presence.js';
import { SocketServer } from './socket-server.js';

/** GraphQL over HTTP (Apollo) and over WebSocket (graphql-ws) on one set of rules, limits and errors. */
@Module({})
export class GraphqlModule {
  /** @param types what no field names, for instance the kinds of events behind an interface; the rooms know them */
  static with(types: Type[]): DynamicModule {
    return {
      module: GraphqlModule,
      global: true,
      imports: [
        GraphQLModule.forRootAsync<ApolloDriverConfig>({
          driver: ApolloDriver,
          inject: [TokenVerifier],
          useFactory: (verifier: TokenVerifier) => apolloOptions(verifier, types),
        }),
      ],
      providers: [
        DateTimeScalar,
        OperationRules,
        Executor,
        EventLoads,
        ApolloRules,
        KnownOperations,
        SocketPresence,
        SocketOperations,
        SocketServer,
        { provide: APP_FILTER, useClass: ErrorFilter },
        { provide: APP_GUARD, useClass: FreshLoaders },
        { provide: APP_PIPE, useValue: inputValidation },
      ],
      exports: [EventLoads, SocketServer, SocketPresence],
    };
  }
}

const apolloOptions = (verifier: TokenVerifier, types: Type[]): ApolloDriverConfig => ({
  path: GRAPHQL_PATH,
  autoSchemaFile: true,
  sortSchema: true,
  transformSchema: withPlainFields,
  buildSchemaOptions: {
    dateScalarMode: 'isoDate',
    orphanedTypes: [ErrorCode, ...types],
    // Nest checks by a whole introspection; Apollo checks every schema that it starts with.
    skipCheck: true,
  },
  // Nest's own page loads its scripts from elsewhere; ours is playground.ts.
  graphiql: false,
  // Switched by our own rule, which the socket keeps as well.
  introspection: true,
  csrfPrevention: true,
  includeStacktraceInErrorResponses: false,
  persistedQueries: false,
  plugins: [
    // It would look at every field of every answer for hints that this schema does not have.
    ApolloServerPluginCacheControlDisabled(),
    // For subgraphs, which this is not; Apollo would load protobufjs to find that out.
    ApolloServerPluginInlineTraceDisabled(),
  ],
  cache: 'bounded',
  // Apollo's counts a document without its text, so that anybody could fill the node with texts of a megabyte. What is
  // worth remembering, the executor remembers within bounds.
  documentStore: null,
  autoTransformHttpErrors: false,
  stopOnApplicationShutdown: true,
  parseOptions: PARSE_OPTIONS,
  // Not in the least: ApolloRules does it, by the very rules that the socket keeps.
  dangerouslyDisableValidation: true,
  formatError: (_, error) => toClientError(error).toJSON(),
  context: async (request: FastifyRequest) =>
    createContext(await identify(verifier, request.headers.authorization)),
});
