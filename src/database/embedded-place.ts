import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../reasons.js';
import { createOnce } from './create-once.js';
import { type Account, identity } from './embedded-binaries.js';
import { EmbeddedServerError } from './embedded-errors.js';
import { makeDirectory } from './make-directory.js';

/** Where the files of one embedded server lie, and whom they belong to. */
export interface Place {
  /** What the operator named: holds the password and the log. */
  dataDir: string;
  /** Holds the cluster; the same as dataDir unless PostgreSQL's account cannot enter that. */
  home: string;
  cluster: string;
  account: Account | undefined;
}

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const locationFile = (dataDir: string): string => path.join(dataDir, 'postgresql.location');
const clusterIn = (home: string): string => path.join(home, 'postgresql');

export async function findPlace(dataDir: string): Promise<Place> {
  const real = await usableDirectory(dataDir);
  const elsewhere = await readLocation(real);
  return isRoot ? placeOfRoot(real, elsewhere) : placeOfUser(real, elsewhere);
}

/** Whether there is one in the data directory; unlike findPlace(), it makes nothing. */
export const hasDatabase = async (dataDir: string): Promise<boolean> =>
  (await ownerOf(clusterIn(dataDir))) !== undefined || (await readLocation(dataDir)) !== undefined;

/** Root's copy of the binaries is shared by all data directories; a user's lies with the data. */
export const copiesOfBinaries = async (place: Place): Promise<string> =>
  isRoot ? rootOwnedDirectory() : place.home;

async function usableDirectory(dataDir: string): Promise<string> {
  try {
    await makeDirectory(dataDir);
    const real = await fs.realpath(dataDir);
    await fs.access(real, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return real;
  } catch (error) {
    const code = errorCode(error) ?? String(error);
    throw new EmbeddedServerError(
      ['EACCES', 'EPERM'].includes(code)
        ? `This account may not use the data directory ${path.resolve(dataDir)} (${code}). ` +
            'Was it made by another account, for example root?'
        : `There can be no data directory ${path.resolve(dataDir)} (${code}): DATA_DIR must name another one.`,
      { cause: error },
    );
  }
}

async function placeOfUser(dataDir: string, elsewhere: string | undefined): Promise<Place> {
  if (elsewhere !== undefined)
    throw new EmbeddedServerError(
      `The database of ${dataDir} was made by root and lies in ${elsewhere}, ` +
        'where only root can start it. Start parley as root, or choose another data directory.',
    );
  const cluster = clusterIn(dataDir);
  const owner = await ownerOf(cluster);
  if (owner && process.getuid && owner.uid !== process.getuid())
    throw new EmbeddedServerError(
      `The database in ${cluster} belongs to ${owner.name}, not to this account. ` +
        'Start parley as the account that made it (or as root), or choose another data directory.',
    );
  return { dataDir, home: dataDir, cluster, account: undefined };
}

async function placeOfRoot(dataDir: string, elsewhere: string | undefined): Promise<Place> {
  const near = clusterIn(dataDir);
  const owner = await ownerOf(near);
  if (owner) {
    if (owner.uid === 0)
      throw new EmbeddedServerError(
        `The database in ${near} belongs to root, and PostgreSQL refuses to run as root. ` +
          'Give it back to the account that it belonged to (chown -R).',
      );
    if (!(await canEnter(dataDir, owner)))
      throw new EmbeddedServerError(
        `The database in ${near} belongs to ${owner.name}, who cannot enter ${dataDir} any more.`,
      );
    return { dataDir, home: dataDir, cluster: near, account: owner };
  }
  if (elsewhere === undefined) {
    const account = await unprivilegedAccount();
    if (await canEnter(dataDir, account)) return { dataDir, home: dataDir, cluster: near, account };
  }
  const home = elsewhere ?? (await chooseLocation(dataDir));
  await fs.access(home).catch(() => {
    throw new EmbeddedServerError(
      `The database of ${dataDir} was in ${home}, which is gone. ` +
        `Bring it back, or delete ${locationFile(dataDir)} to start with an empty database.`,
    );
  });
  const cluster = clusterIn(home);
  return {
    dataDir,
    home,
    cluster,
    account: (await ownerOf(cluster)) ?? (await unprivilegedAccount()),
  };
}

async function ownerOf(file: string): Promise<Account | undefined> {
  try {
    const { uid, gid } = await fs.stat(file);
    return { name: `the account with the id ${uid}`, uid, gid };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function unprivilegedAccount(): Promise<Account> {
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const id = async (flag: string): Promise<number> =>
      Number((await run('id', [flag, name])).stdout.trim());
    try {
      const [uid, gid] = [await id('-u'), await id('-g')];
      if (uid > 0 && gid > 0) return { name, uid, gid };
    } catch {
      // The next name may exist.
    }
  }
  throw new EmbeddedServerError(
    'PostgreSQL refuses to run as root, and this machine has neither an account `postgres` nor `nobody`. ' +
      'Start parley as an ordinary user, or set DATABASE_URL.',
  );
}

/** Asks the kernel: modes alone say nothing about access lists and security modules. */
const canEnter = (directory: string, account: Account): Promise<boolean> =>
  run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { ...identity(account), cwd: '/' }).then(
    () => true,
    () => false,
  );

async function rootOwnedDirectory(): Promise<string> {
  const problems: string[] = [];
  for (const directory of ['/var/lib/parley', path.join(tmpdir(), 'parley-of-root')]) {
    try {
      await fs.mkdir(directory, { recursive: true });
      const stat = await fs.lstat(directory);
      // Whoever could write here could hand us binaries of theirs.
      if (!stat.isDirectory() || stat.uid !== 0 || stat.mode & 0o022)
        throw new Error('others may write to it');
      await fs.chmod(directory, 0o755);
      return directory;
    } catch (error) {
      problems.push(`${directory}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new EmbeddedServerError(
    `PostgreSQL's account needs a directory that it can enter, and there is none (${problems.join('; ')}).`,
  );
}

async function readLocation(dataDir: string): Promise<string | undefined> {
  try {
    return (await fs.readFile(locationFile(dataDir), 'utf8')).split('\n', 1)[0];
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The random part lets a data directory that was deleted and made again begin anew. */
async function chooseLocation(dataDir: string): Promise<string> {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const home = await fs.mkdtemp(path.join(await rootOwnedDirectory(), `${hash}-`));
  await fs.chmod(home, 0o755);
  const text =
    `${home}\n\nPostgreSQL refuses to run as root, and the account it runs as instead cannot enter\n` +
    `${dataDir}. Its files are therefore in the directory above.\n` +
    'They are part of this data directory: back both up together, delete both together.\n';
  if (!(await createOnce(locationFile(dataDir), text, 0o644))) await fs.rmdir(home);
  return (await readLocation(dataDir)) ?? home;
}

export async function passwordOf({ dataDir, cluster }: Place): Promise<string> {
  const file = path.join(dataDir, 'postgresql.password');
  const read = async (): Promise<string> => (await fs.readFile(file, 'utf8')).trim();
  let password = await read().catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
  });
  if (password === undefined && !(await ownerOf(cluster))) {
    await createOnce(file, `${randomBytes(24).toString('hex')}\n`, 0o600);
    password = await read();
  }
  if (password) return password;
  throw new EmbeddedServerError(
    `The database in ${cluster} cannot be opened, for its password is missing: ${file}. ` +
      'Bring the content of that file back, or move both away to start with an empty database.',
  );
}
