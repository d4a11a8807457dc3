import type { FetchFunction, GraphQLResponse, SubscribeFunction } from 'relay-runtime';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';
import type { Sink } from 'graphql-ws';
import { connect } from './graphql-ws.js';

/** @param url https://…/graphql, for queries and mutations; subscriptions go to wss://…/graphql */
export function createEnvironment(url: string, token: () => Promise<string>): Environment {
  const live = connect(url.replace(/^http/, 'ws'), token);
  const run: FetchFunction = async ({ name, text }, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await token()}` },
      body: JSON.stringify({ operationName: name, query: text, variables }),
    });
    return (await response.json()) as GraphQLResponse;
  };
  const subscribe: SubscribeFunction = ({ name, text }, variables) =>
    Observable.create((sink) =>
      live.subscribe({ operationName: name, query: text ?? '', variables }, sink as Sink<any>),
    );
  return new Environment({
    network: Network.create(run, subscribe),
    store: new Store(new RecordSource()),
  });
}
