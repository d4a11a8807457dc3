/**
 * Runs in the browser, beside GraphiQL and graphql-ws. GraphiQL's own WebSocket fetcher would send fixed connection
 * parameters; this one sends what the headers editor holds, so a subscription runs as the same person as a query.
 */
export const playgroundScript = `'use strict';
(() => {
  const settings = JSON.parse(document.getElementById('settings').textContent);
  const socketUrl = new URL(settings.subscriptionEndpoint, location.href);
  socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');

  self.MonacoEnvironment = {
    globalAPI: false,
    getWorkerUrl: (_module, label) => '/playground/worker-' + label + '.js',
  };

  const lowerCased = (headers) =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

  async function ask(request, headers) {
    const response = await fetch(settings.endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...headers,
      },
      body: JSON.stringify(request),
    });
    return response.json();
  }

  // GraphiQL shows one result at a time; of a stream one wants to see what came before as well.
  const KEPT = 50;

  const watch = (request, connectionParams) => ({
    subscribe(pane) {
      const newestFirst = [];
      const client = graphqlWs.createClient({
        url: socketUrl.href,
        connectionParams,
        keepAlive: 10_000,
        // Whoever tries things out wants to see a refusal, not a minute of retries.
        retryAttempts: 0,
      });
      const stop = client.subscribe(request, {
        next(result) {
          newestFirst.unshift(result);
          newestFirst.length = Math.min(newestFirst.length, KEPT);
          pane.next({ newestFirst });
        },
        error(cause) {
          const closed = cause && typeof cause.code === 'number';
          pane.error(
            closed ? { message: 'Socket closed: ' + cause.code + ' ' + cause.reason } : cause,
          );
        },
        complete: () => pane.complete(),
      });
      return { unsubscribe: stop };
    },
  });

  const isSubscription = (document, name) =>
    document?.definitions.some(
      (definition) =>
        definition.operation === 'subscription' && (!name || definition.name?.value === name),
    ) ?? false;

  const fetcher = (request, options) => {
    const headers = lowerCased(options?.headers ?? {});
    return isSubscription(options?.documentAST, request.operationName)
      ? watch(request, headers)
      : ask(request, headers);
  };

  // Edits survive a reload, but never a new set of tabs, and go when the browser's tab is closed: they hold a token.
  const prefix = 'playground:' + settings.edition + ':';
  const storage = {
    getItem: (key) => sessionStorage.getItem(prefix + key),
    setItem: (key, value) => sessionStorage.setItem(prefix + key, value),
    removeItem: (key) => sessionStorage.removeItem(prefix + key),
    clear: () => sessionStorage.clear(),
    get length() {
      return sessionStorage.length;
    },
  };

  YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
    fetcher,
    storage,
    title: document.title,
    logo: ' ',
    defaultTabs: settings.tabs,
    headers: settings.tabs[0]?.headers,
    shouldPersistHeaders: true,
    defaultEditorToolsVisibility: 'variables',
    // Keeps the address free of the query, which GraphiQL would open again as one more tab.
    onEditQuery() {},
  });
})();
`;
