import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import type { Sink } from 'graphql-ws';
import { connect } from './graphql-ws.js';

/** @param url https://…/graphql, for queries and mutations; subscriptions go to wss://…/graphql */
export function createUrqlClient(url: string, token: () => Promise<string>): Client {
  const live = connect(url.replace(/^http/, 'ws'), token);
  return new Client({
    url,
    preferGetMethod: false,
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${await token()}`);
      return fetch(input, { ...init, headers });
    },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables, operationName }) => ({
          subscribe: (sink) => ({
            unsubscribe: live.subscribe({ query, variables, operationName }, sink as Sink<any>),
          }),
        }),
      }),
    ],
  });
}
