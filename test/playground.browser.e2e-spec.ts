import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildSchema, parse, validate } from 'graphql';
import { chromium, type Browser, type Page } from 'playwright-core';
import { exampleTabs } from '../src/graphql/playground-examples.js';
import { startApp } from './support/app.js';

const executablePath = process.env.PARLEY_BROWSER ?? '/usr/bin/chromium';
const hasBrowser = existsSync(executablePath);
// CI has a browser, so there its absence must fail and not be passed over.
const withBrowser = hasBrowser || process.env.CI === 'true' ? it : it.skip;
const needed = hasBrowser
  ? ''
  : ` (needs a Chromium, and ${executablePath} is none: PARLEY_BROWSER)`;

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe('the playground', () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let browser: Browser | undefined;
  let threadId: string;

  const ask = async (sub: string, query: string, input: object): Promise<unknown> => {
    const response = await fetch(new URL('/graphql', app.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await app.token(sub)}`,
      },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
    expect(errors).toBeUndefined();
    return data;
  };

  beforeAll(async () => {
    app = await startApp();
    const { openThread } = (await ask(
      'ann',
      'mutation ($input: OpenThreadInput!) { openThread(input: $input) { thread { id } } }',
      { touristId: 'ann', guideId: 'ben' },
    )) as { openThread: { thread: { id: string } } };
    threadId = openThread.thread.id;
    if (hasBrowser || process.env.CI === 'true')
      browser = await chromium.launch({ executablePath, args: flags });
  });

  afterAll(async () => {
    await browser?.close();
    await app.stop();
  });

  /** Opens it as a person does: by the address of the API; notes what should not happen on the way. */
  async function open(): Promise<{ page: Page; strangers: string[]; complaints: string[] }> {
    const page = await browser!.newPage({ viewport: { width: 1400, height: 900 } });
    // The first page of a browser takes long where the machine does other things too.
    page.setDefaultTimeout(30_000);
    const strangers: string[] = [];
    const complaints: string[] = [];
    const { host } = new URL(app.url);
    const note = (address: string): void => {
      const url = new URL(address);
      if (!['data:', 'blob:'].includes(url.protocol) && url.host !== host) strangers.push(address);
    };
    page.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(new URL('/graphql', app.url).href);
    expect(new URL(page.url()).pathname).toBe('/playground');
    return { page, strangers, complaints };
  }

  async function replaceText(page: Page, editor: string, text: string): Promise<void> {
    await page.locator(editor).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text);
    // The editor closes brackets by itself, behind the cursor.
    await page.keyboard.press('Control+Shift+End');
    await page.keyboard.press('Delete');
  }

  async function chooseTab(page: Page, title: string, sub: string): Promise<void> {
    await page.locator('.graphiql-tab-button', { hasText: title }).click();
    await page.locator('.graphiql-tab-active', { hasText: title }).waitFor();
    await page.getByRole('button', { name: 'Headers' }).click();
    const headers = JSON.stringify({ authorization: `Bearer ${await app.token(sub)}` });
    await replaceText(page, '.graphiql-editor-tool .monaco-editor:visible', headers);
  }

  const run = (page: Page): Promise<void> => page.locator('.graphiql-execute-button').click();

  const result = (page: Page, text: string): Promise<void> =>
    page.locator('.result-window .view-line', { hasText: text }).first().waitFor();

  withBrowser(`runs a query and shows a message as it is sent${needed}`, async () => {
    const { page, strangers, complaints } = await open();

    await chooseTab(page, 'Inbox', 'ann');
    await run(page);
    await result(page, threadId);

    await chooseTab(page, 'WatchLive', 'ann');
    const opened = page.waitForEvent('websocket');
    await run(page);
    const socket = await opened;
    await result(page, 'InboxReady');

    await ask(
      'ben',
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { deduplicated } }',
      {
        threadId,
        body: 'By-the-fountain-at-nine.',
        clientMessageId: 'from-another-client',
      },
    );
    await result(page, 'By-the-fountain-at-nine.');

    const closed = socket.isClosed() ? undefined : socket.waitForEvent('close');
    await run(page);
    await closed;

    expect(strangers).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  withBrowser(`keeps an edited tab over a reload${needed}`, async () => {
    const { page } = await open();
    await chooseTab(page, 'History', 'ann');
    await replaceText(page, '.graphiql-query-editor .monaco-editor', 'query Edited { __typename }');
    await page.locator('.graphiql-tab-active', { hasText: 'Edited' }).waitFor();
    // Kept twice: by itself, and as part of its tab.
    await page.waitForFunction(() => {
      const { sessionStorage } = globalThis as unknown as {
        sessionStorage: Record<string, string>;
      };
      return Object.values(sessionStorage).filter((kept) => kept.includes('Edited')).length > 1;
    });
    await page.reload();
    await page.locator('.graphiql-tab-active', { hasText: 'Edited' }).waitFor();
    expect(await page.locator('.graphiql-tab').count()).toBe(4);
    expect(new URL(page.url()).search).toBe('');
    await page.close();
  });

  it('offers examples that fit the schema', () => {
    const schema = buildSchema(readFileSync('src/schema.graphql', 'utf8'));
    for (const { title, query } of exampleTabs())
      expect({ title, faults: validate(schema, parse(query)) }).toEqual({ title, faults: [] });
  });

  it('answers only for its own files', async () => {
    const page = await fetch(new URL('/playground', app.url));
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('cache-control')).toBe('no-store');
    const other = await fetch(new URL('/playground/..%2f..%2fpackage.json', app.url));
    expect(other.status).toBe(404);
  });
});
