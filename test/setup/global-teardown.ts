import { once } from 'node:events';

export default async function globalTeardown(): Promise<void> {
  const server = globalThis.parleyTestServer;
  if (server?.exitCode !== null) return;
  const exit = once(server, 'exit');
  server.stdin?.end();
  await exit;
}
