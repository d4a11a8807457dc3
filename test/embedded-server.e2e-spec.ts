import { afterEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Client } from 'pg';
import { findDurabilityProblems } from '../src/database/durability.js';
import { AlreadyRunningError, EmbeddedServerError } from '../src/database/embedded-errors.js';
import { findPostmaster } from '../src/database/embedded-process.js';
import { type EmbeddedServer, startEmbeddedServer } from '../src/database/embedded-server.js';
import { until } from './support/app.js';
import { scratchDirectory } from './support/database.js';
import { hasBegun, startElsewhere, succeed } from './support/other-process.js';

const isRoot = process.getuid?.() === 0;
const settings = { fsync: 'off' };
const directories: string[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const dataDir of directories.splice(0)) {
    // Whatever a test has left running is taken over and stopped.
    const server = await startEmbeddedServer({ dataDir, settings });
    await server.stop();
    for (const each of [server.directory, path.dirname(dataDir)])
      await fs.rm(each, { recursive: true, force: true });
  }
});

async function newDataDir(mode = 0o755): Promise<string> {
  const parent = await fs.mkdtemp(path.join(scratchDirectory(), 'embedded-'));
  await fs.chmod(parent, mode);
  const dataDir = path.join(parent, 'data');
  directories.push(dataDir);
  return dataDir;
}

const start = (dataDir: string): Promise<EmbeddedServer> =>
  startEmbeddedServer({ dataDir, settings });

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

async function durabilityProblems(url: string, before = ''): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(before);
    return await findDurabilityProblems(client);
  } finally {
    await client.end();
  }
}

const postmasterPid = async (directory: string): Promise<number> =>
  Number.parseInt(await fs.readFile(path.join(directory, 'postgresql/postmaster.pid'), 'utf8'));

/** Neither read nor written, not even by root. */
const barricade = (file: string): Promise<void> => fs.mkdir(file);

const drafts = async (dataDir: string): Promise<string[]> =>
  (await fs.readdir(dataDir)).filter((name) => name.startsWith('postgresql.new-'));

async function race(dataDir: string): Promise<void> {
  const racers = [startElsewhere(dataDir), startElsewhere(dataDir)];
  children.push(...racers.map(({ child }) => child));
  const answers = await Promise.all(racers.map(({ answer }) => answer));
  const winner = answers.find((answer) => 'url' in answer);
  const loser = answers.find((answer) => 'refused' in answer);
  expect(loser?.refused).toContain('already running');
  expect(await query(winner?.url ?? '', 'SELECT 1')).toEqual([1]);
  for (const { child } of racers) {
    const exit = child.exitCode === null ? once(child, 'exit') : undefined;
    child.stdin?.end();
    await exit;
  }
}

describe('the embedded PostgreSQL', () => {
  it('keeps what was written over a stop and a second start', async () => {
    const dataDir = await newDataDir();
    const first = await start(dataDir);
    await query(first.url, 'CREATE TABLE note AS SELECT 42 AS value');
    await Promise.all([first.stop(), first.stop()]);
    await expect(query(first.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    const second = await start(dataDir);
    expect(await query(second.url, 'SELECT value FROM note')).toEqual([42]);
    await second.stop();
  });

  it('does not depend on the locale and the time zone of the machine', async () => {
    const { url, stop } = await start(await newDataDir());
    const text = `SELECT upper('é'), current_setting('TimeZone'), current_setting('server_encoding'),
      current_setting('lc_messages'), current_setting('max_connections')`;
    expect(await query(url, text)).toEqual(['É', 'UTC', 'UTF8', 'C', '200']);
    await stop();
  });

  it('is durable unless told otherwise', async () => {
    const dataDir = await newDataDir();
    const durable = await startEmbeddedServer({ dataDir });
    expect(await durabilityProblems(durable.url)).toEqual([]);
    expect(await durabilityProblems(durable.url, 'SET synchronous_commit = off')).toEqual([
      'synchronous_commit is off: a crash can lose messages that were acknowledged.',
    ]);
    await durable.stop();
    const fast = await startEmbeddedServer({
      dataDir,
      settings: { ...settings, full_page_writes: 'off' },
    });
    expect(await durabilityProblems(fast.url)).toEqual([
      'fsync is off: a power failure can lose messages and damage the database.',
      'full_page_writes is off: a power failure can damage the database.',
    ]);
    await fast.stop();
  });

  it('keeps its password from other accounts and asks for it', async () => {
    const dataDir = await newDataDir();
    const { url, stop } = await start(dataDir);
    const { mode } = await fs.stat(path.join(dataDir, 'postgresql.password'));
    expect(mode & 0o777).toBe(0o600);
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    await stop();
  });

  it('refuses a second owner of its directory and says so', async () => {
    const dataDir = await newDataDir();
    const server = await start(dataDir);
    const second = start(dataDir);
    await expect(second).rejects.toThrow(AlreadyRunningError);
    await expect(second).rejects.toThrow(`already running on the data directory ${dataDir}`);
    expect(await query(server.url, 'SELECT 1')).toEqual([1]);
    await server.stop();
  });

  it('is taken over as it runs when the process group of its owner is killed', async () => {
    const dataDir = await newDataDir();
    const { child, answer } = startElsewhere(dataDir);
    children.push(child);
    const { url, directory } = await succeed(answer);
    await query(url, 'CREATE TABLE note AS SELECT 42 AS value');
    const pid = await postmasterPid(directory);
    const exit = once(child, 'exit');
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await exit;
    const server = await start(dataDir);
    expect(server.url).toBe(url);
    expect(await postmasterPid(directory)).toBe(pid);
    expect(await query(server.url, 'SELECT value FROM note')).toEqual([42]);
    await server.stop();
    await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });

  it('starts beside a stale pid file whose number belongs to another process', async () => {
    const dataDir = await newDataDir();
    const server = await start(dataDir);
    const pidFile = path.join(server.directory, 'postgresql/postmaster.pid');
    const [, ...rest] = (await fs.readFile(pidFile, 'utf8')).split('\n');
    await server.stop();
    const { uid, gid } = await fs.stat(path.dirname(pidFile));
    const stranger = spawn('sleep', ['60'], { uid, gid });
    children.push(stranger);
    await fs.writeFile(pidFile, [stranger.pid, ...rest].join('\n'));
    await fs.chown(pidFile, uid, gid);
    const again = await start(dataDir);
    expect(await query(again.url, 'SELECT 1')).toEqual([1]);
    expect(stranger.exitCode).toBeNull();
    await again.stop();
  });

  it('has exactly one owner when two processes start on an empty, then on a used directory', async () => {
    const dataDir = await newDataDir();
    await race(dataDir);
    await race(dataDir);
  });

  it('leaves nothing of an initdb under way when its start is given up', async () => {
    const dataDir = await newDataDir();
    const stopped = new AbortController();
    const starting = startEmbeddedServer({ dataDir, settings, signal: stopped.signal });
    const failure = expect(starting).rejects.toThrow('initdb');
    const makesData = async (): Promise<boolean> => {
      const [draft] = await drafts(dataDir).catch(() => []);
      return draft !== undefined && (await fs.readdir(path.join(dataDir, draft))).includes('data');
    };
    await until(makesData, 'initdb is under way');
    stopped.abort();
    await failure;
    expect(await drafts(dataDir)).toEqual([]);
  });

  it('leaves no PostgreSQL running when its start is given up', async () => {
    const dataDir = await newDataDir();
    const stopped = new AbortController();
    const starting = startEmbeddedServer({
      dataDir,
      // It lets nobody in so soon, not us either.
      settings: { ...settings, pre_auth_delay: '1s' },
      signal: stopped.signal,
    });
    const failure = expect(starting).rejects.toThrow('Stopped.');
    await hasBegun(dataDir);
    stopped.abort();
    await failure;
    expect(await findPostmaster(path.join(dataDir, 'postgresql'))).toBeUndefined();
  });

  it('removes what a start left that was killed during initdb', async () => {
    const dataDir = await newDataDir();
    await fs.mkdir(path.join(dataDir, 'postgresql.new-AbCdEf', 'data'), { recursive: true });
    const { stop } = await start(dataDir);
    expect(await drafts(dataDir)).toEqual([]);
    await stop();
  });

  it('takes its ownership again when that connection is cut', async () => {
    const dataDir = await newDataDir();
    const recovery = recoveryLog();
    const server = await startEmbeddedServer({ dataDir, settings, log: recovery.log });
    await query(
      server.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'parley (owner)'`,
    );
    await recovery.done;
    await expect(start(dataDir)).rejects.toThrow(AlreadyRunningError);
    await server.stop();
  });

  it('comes back at the same address when PostgreSQL is killed', async () => {
    const dataDir = await newDataDir();
    const recovery = recoveryLog();
    const server = await startEmbeddedServer({ dataDir, settings, log: recovery.log });
    const pid = await postmasterPid(server.directory);
    process.kill(pid, 'SIGKILL');
    await recovery.done;
    expect(await query(server.url, 'SELECT 1')).toEqual([1]);
    expect(await postmasterPid(server.directory)).not.toBe(pid);
    await server.stop();
  });

  it('says what the log of PostgreSQL says when it cannot start', async () => {
    const dataDir = await newDataDir();
    const wrong = startEmbeddedServer({ dataDir, settings: { ...settings, work_mem: 'plenty' } });
    await expect(wrong).rejects.toThrow('invalid value for parameter "work_mem"');
  });

  it('says so when the password of an existing database is gone', async () => {
    const dataDir = await newDataDir();
    await (await start(dataDir)).stop();
    const file = path.join(dataDir, 'postgresql.password');
    const password = await fs.readFile(file, 'utf8');
    await fs.unlink(file);
    await expect(start(dataDir)).rejects.toThrow(`its password is missing: ${file}`);
    await fs.writeFile(file, password);
  });

  it.each<[string, (file: string) => Promise<void>, string]>([
    ['password is empty', (file) => fs.writeFile(file, ''), 'its password is missing: '],
    ['password cannot be read', barricade, '(DATA_DIR): EISDIR'],
    ['log cannot be written', barricade, '(DATA_DIR): EISDIR'],
  ])('says so when its %s', async (what, spoil, reason) => {
    const dataDir = await newDataDir();
    await (await start(dataDir)).stop();
    const file = path.join(
      dataDir,
      what.startsWith('log') ? 'postgresql.log' : 'postgresql.password',
    );
    await fs.rename(file, `${file}.aside`);
    await spoil(file);
    const failing = start(dataDir);
    await expect(failing).rejects.toThrow(EmbeddedServerError);
    await expect(failing).rejects.toThrow(reason);
    await fs.rm(file, { recursive: true });
    await fs.rename(`${file}.aside`, file);
  });

  if (isRoot)
    it('keeps its files where its account can go when root names a closed directory', async () => {
      const dataDir = await newDataDir(0o700);
      const first = await start(dataDir);
      await query(first.url, 'CREATE TABLE note AS SELECT 42 AS value');
      await first.stop();
      const pointer = await fs.readFile(path.join(dataDir, 'postgresql.location'), 'utf8');
      expect(pointer.split('\n')[0]).toBe(first.directory);
      const second = await start(dataDir);
      expect(second.directory).toBe(first.directory);
      expect(await query(second.url, 'SELECT value FROM note')).toEqual([42]);
      await second.stop();
    });
});

function recoveryLog(): { log: (line: string) => void; done: Promise<void> } {
  let finish: () => void;
  const done = new Promise<void>((resolve) => (finish = resolve));
  return { log: (line) => (line === 'PostgreSQL is back.' ? finish() : undefined), done };
}
