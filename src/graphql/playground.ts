import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { playgroundScript } from './playground-script.js';

export interface PlaygroundTab {
  /** The operation's name, which GraphiQL shows on the tab. */
  readonly title?: string;
  readonly query: string;
  readonly variables?: string;
  readonly headers?: string;
}

export interface PlaygroundPage {
  readonly title: string;
  readonly endpoint: string;
  readonly subscriptionEndpoint: string;
  readonly tabs: readonly PlaygroundTab[];
}

export interface PlaygroundAsset {
  readonly type: string;
  readonly etag: string;
  readonly gzipped: Buffer;
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

// GraphiQL's tabs glide into place, and jump back from under the pointer when they are clicked: held still, the first
// click of a person reaches the tab it was meant for.
const pageStyle =
  'html, body, #root { height: 100%; margin: 0; } .graphiql-tab { transform: none !important; }';

/** The page; everything it loads is one of the assets below. */
export function playgroundPage(page: PlaygroundPage): string {
  // A tab's headers carry a token: when that changes, what the browser kept of older tabs is no longer of use.
  const parts = page.tabs.flatMap(({ query, headers }) => [query, headers]);
  const edition = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  const settings = JSON.stringify({ ...page, edition }).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${escapeHtml(page.title)}</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/playground/graphiql.css" />
    <style>${pageStyle}</style>
  </head>
  <body>
    <noscript>The playground needs JavaScript.</noscript>
    <div id="root"></div>
    <script type="application/json" id="settings">${settings}</script>
    <script src="/playground/graphql-ws.js"></script>
    <script src="/playground/graphiql.js"></script>
    <script src="/playground/playground.js"></script>
  </body>
</html>
`;
}

/** Keeps the page to this host, whatever a library on it may try. */
export function playgroundPolicy(host: string | undefined): string {
  // Older browsers do not count a WebSocket to the own host as 'self'.
  const own = host !== undefined && /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self' data:",
    "img-src 'self' data:",
    `connect-src 'self'${own}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

// 9 MB of source text, so it is loaded for the first visitor and never in production.
const graphiql = () => import('@graphql-yoga/render-graphiql/graphiql');

const socketClient = (): Promise<string> => {
  const folder = path.dirname(createRequire(import.meta.url).resolve('graphql-ws/package.json'));
  return readFile(path.join(folder, 'umd', 'graphql-ws.min.js'), 'utf8');
};

const sources = new Map<string, () => Promise<string>>([
  ['graphiql.js', async () => (await graphiql()).js],
  ['graphiql.css', async () => (await graphiql()).css],
  ['worker-editorWorkerService.js', async () => (await graphiql()).editorWorkerService],
  ['worker-json.js', async () => (await graphiql()).jsonWorker],
  ['worker-graphql.js', async () => (await graphiql()).graphqlWorker],
  ['graphql-ws.js', socketClient],
  ['playground.js', () => Promise.resolve(playgroundScript)],
]);

const loaded = new Map<string, Promise<PlaygroundAsset>>();

/** One of the page's files, or undefined for any other name. */
export function playgroundAsset(name: string): Promise<PlaygroundAsset> | undefined {
  const source = sources.get(name);
  if (source === undefined) return undefined;
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const asset = load(name, source);
  loaded.set(name, asset);
  return asset;
}

async function load(name: string, source: () => Promise<string>): Promise<PlaygroundAsset> {
  const text = await source();
  return {
    type: name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
    etag: `"${createHash('sha256').update(text).digest('base64url')}"`,
    gzipped: await promisify(gzip)(text),
  };
}
