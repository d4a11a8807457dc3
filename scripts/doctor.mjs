// `npm run doctor`: recomputes every counter, sequence and journal position of the database and prints what differs. Safe on
// a live system. Exit code 0: no differences, 1: differences, 2: it could not be found out.
import path from 'node:path';
import { root, setUpOrExit } from './setup.mjs';

await setUpOrExit();
const { loadConfig } = await import('../dist/config.js');
const { describeDifference, findDifferences } = await import('../dist/health/doctor.js');
const { reasonOf } = await import('../dist/reasons.js');

/** By a signal, where there is something to clean up. */
const stopped = new AbortController();

/** DATABASE_URL, or the embedded PostgreSQL of the data directory, whether parley runs on it or not. */
async function findDatabase({ DATABASE_URL: given, DATA_DIR }) {
  if (given !== undefined) return { url: given, leave: async () => undefined };
  const { startEmbeddedServer } = await import('../dist/database/embedded-server.js');
  const { findPlace, hasDatabase, passwordOf } = await import('../dist/database/embedded-place.js');
  const { findPostmaster } = await import('../dist/database/embedded-process.js');
  const dataDir = path.resolve(root, DATA_DIR);
  if (!(await hasDatabase(dataDir)))
    throw new Error(
      `There is no database in ${dataDir}. Set DATA_DIR to the data directory of parley, or DATABASE_URL to its database.`,
    );
  const place = await findPlace(dataDir);
  const running = await findPostmaster(place.cluster);
  if (running !== undefined) {
    const password = await passwordOf(place);
    const url = `postgresql://parley:${password}@127.0.0.1:${running.port}/parley`;
    return { url, leave: async () => undefined };
  }
  const starting = startEmbeddedServer({ dataDir, signal: stopped.signal });
  const leave = async () => (await starting.catch(() => undefined))?.stop();
  // It would outlive this process. Without it, what is under way fails and says so.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
    process.once(signal, () => {
      stopped.abort();
      leave();
    });
  return { url: (await starting).url, leave };
}

async function examine(config) {
  const { url, leave } = await findDatabase(config);
  let count = 0;
  try {
    for await (const difference of findDifferences(url)) {
      count += 1;
      console.log(describeDifference(difference));
    }
  } finally {
    await leave();
  }
  console.log(`${count} differences`);
  process.exitCode = count === 0 ? 0 : 1;
}

const { DATABASE_URL, DATA_DIR } = process.env;
try {
  await examine(loadConfig({ DATABASE_URL, DATA_DIR }));
} catch (error) {
  const setting = DATABASE_URL ? 'DATABASE_URL' : 'DATA_DIR';
  if (stopped.signal.aborted) console.error('Stopped.');
  else console.error(`The database (${setting}) cannot be examined: ${reasonOf(error)}`);
  process.exitCode = 2;
}
