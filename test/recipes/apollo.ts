import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { connect } from './graphql-ws.js';

/** @param url https://…/graphql, for queries and mutations; subscriptions go to wss://…/graphql */
export function createApolloClient(url: string, token: () => Promise<string>): ApolloClient {
  const authorize = new SetContextLink(async () => ({
    headers: { authorization: `Bearer ${await token()}` },
  }));
  const live = new GraphQLWsLink(connect(url.replace(/^http/, 'ws'), token));
  return new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      live,
      authorize.concat(new HttpLink({ uri: url })),
    ),
  });
}
