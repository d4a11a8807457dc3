/** Where GraphQL is, over HTTP and for sockets. */
export const GRAPHQL_PATH = '/graphql';
