import { type ChildProcess, execFile, spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../reasons.js';
import { giveToOwnerOf } from './create-once.js';
import { type Binaries, childEnvironment, identity } from './embedded-binaries.js';
import { EmbeddedServerError } from './embedded-errors.js';
import type { Place } from './embedded-place.js';

export interface Postmaster {
  pid: number;
  port: number;
}

const run = promisify(execFile);
const pidFile = (cluster: string): string => path.join(cluster, 'postmaster.pid');
const logFile = (place: Place): string => path.join(place.dataDir, 'postgresql.log');
const logLimit = 1_000_000;

/** The PostgreSQL that runs on this cluster, whoever started it. */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const named = await readPidFile(pidFile(cluster));
  return named && (await runsOn(cluster, named.pid)) ? named : undefined;
}

async function readPidFile(file: string): Promise<Postmaster | undefined> {
  try {
    const lines = (await fs.readFile(file, 'utf8')).split('\n');
    const [pid, port] = [Number(lines[0]), Number(lines[3])];
    return pid > 0 && port > 0 ? { pid, port } : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A process id outlives its process: after a crash or in a new container it may name any other one. */
async function runsOn(cluster: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === 'win32') return true;
  const commandLine =
    process.platform === 'linux'
      ? fs.readFile(`/proc/${pid}/cmdline`, 'utf8')
      : run('ps', ['-o', 'args=', '-p', String(pid)]).then(({ stdout }) => stdout);
  return (await commandLine.catch(() => '')).split('\0').join(' ').includes(` -D ${cluster} `);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/**
 * PostgreSQL itself puts a stale postmaster.pid aside, except where its number is in use by another process.
 */
export async function removeForeignPidFile(cluster: string): Promise<void> {
  const file = pidFile(cluster);
  const isForeign = async (named: Postmaster | undefined): Promise<boolean> =>
    named !== undefined && isAlive(named.pid) && !(await runsOn(cluster, named.pid));
  if (!(await isForeign(await readPidFile(file)))) return;
  const aside = `${file}.${process.pid}`;
  await fs.rename(file, aside);
  // Another start may have written its own file since we looked; that one goes back.
  if (await isForeign(await readPidFile(aside))) await fs.unlink(aside);
  else await fs.rename(aside, file);
}

export interface Attempt {
  child: ChildProcess;
  /** What PostgreSQL has written to its log since this start. */
  output(): Promise<string>;
}

export async function spawnPostgres(
  place: Place,
  binaries: Binaries,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<Attempt> {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_checkpoints: 'off',
    ...settings,
  };
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const file = logFile(place);
  await rotate(file);
  const log = await fs.open(file, 'a', 0o600);
  try {
    await giveToOwnerOf(place.dataDir, file);
    const { size } = await log.stat();
    const child = spawn(binaries.postgres, ['-D', place.cluster, ...options], {
      ...identity(place.account),
      cwd: place.cluster,
      env: childEnvironment,
      // A group of its own: Ctrl-C in a terminal reaches us, and we stop PostgreSQL in order.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
    });
    child.on('error', () => undefined);
    child.unref();
    return { child, output: () => readFrom(file, size) };
  } finally {
    await log.close();
  }
}

async function rotate(file: string): Promise<void> {
  const size = await fs.stat(file).then(
    (stat) => stat.size,
    () => 0,
  );
  if (size > logLimit) await fs.rename(file, `${file}.1`);
}

async function readFrom(file: string, start: number): Promise<string> {
  const bytes = await fs.readFile(file);
  return bytes.subarray(start).toString('utf8').split('\n').slice(-15).join('\n').trim();
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string')
    throw new EmbeddedServerError('No free port.');
  return address.port;
}

/** Fast shutdown, then immediate, then by force; ends within 7.5 s. */
export async function stopPostmaster(
  cluster: string,
  pid: number | undefined,
  { pgCtl }: Binaries,
): Promise<void> {
  if (pid === undefined || !(await runsOn(cluster, pid))) return;
  const steps = [
    ['INT', 5_000],
    ['QUIT', 2_000],
    ['KILL', 500],
  ] as const;
  for (const [signal, patience] of steps) {
    await send(pid, signal, pgCtl);
    const end = Date.now() + patience;
    while (Date.now() < end) {
      if (!(await runsOn(cluster, pid))) return;
      await delay(25);
    }
  }
}

async function send(pid: number, signal: 'INT' | 'QUIT' | 'KILL', pgCtl: string): Promise<void> {
  try {
    // Windows has no signals; PostgreSQL brings its own there.
    if (process.platform === 'win32') await run(pgCtl, ['kill', signal, String(pid)]);
    else process.kill(pid, `SIG${signal}`);
  } catch (error) {
    if (process.platform !== 'win32' && errorCode(error) !== 'ESRCH') throw error;
  }
}
