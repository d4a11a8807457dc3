// Owns the embedded server of the directory named by the first argument until standard input ends.
import { AlreadyRunningError } from '../../src/database/embedded-errors.js';
import { startEmbeddedServer } from '../../src/database/embedded-server.js';

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('Which directory?');
try {
  const server = await startEmbeddedServer({ dataDir, settings: { fsync: 'off' } });
  console.log(JSON.stringify({ url: server.url, directory: server.directory }));
  process.stdin.resume().once('end', () => void server.stop());
} catch (error) {
  if (!(error instanceof AlreadyRunningError)) throw error;
  console.log(JSON.stringify({ refused: error.message }));
}
