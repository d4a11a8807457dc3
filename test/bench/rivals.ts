import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('./rivals/', import.meta.url));
const TUTORIAL = path.join(FOLDER, 'tutorial');
const COMPILER = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const inFolder = (...parts: string[]): string => path.join(FOLDER, ...parts);

function run(what: string, command: string, args: readonly string[], cwd: string): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32' && command === 'npm',
    env: { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' },
  });
  if (status === 0) return;
  throw new Error(`${what} failed: ${error?.message ?? ''}\n${stdout}${stderr}`);
}

const node = (what: string, args: readonly string[], cwd: string): void =>
  run(what, process.execPath, args, cwd);

/** npm writes what it has installed last; the lock is what it should have installed. */
function isInstalled(): boolean {
  const installed = inFolder('node_modules', '.package-lock.json');
  return (
    existsSync(installed) &&
    statSync(installed).mtimeMs > statSync(inFolder('package-lock.json')).mtimeMs
  );
}

const builtAt = path.join(TUTORIAL, 'dist', 'main.js');

/** A build of an earlier version would be another rival. */
function isBuilt(): boolean {
  const sources = readdirSync(TUTORIAL).filter((name) => /\.(ts|json)$/.test(name));
  const changedAt = ['prisma/schema.prisma', ...sources].map(
    (name) => statSync(path.join(TUTORIAL, name)).mtimeMs,
  );
  return existsSync(builtAt) && statSync(builtAt).mtimeMs > Math.max(...changedAt);
}

/** Installs and builds the rivals. They have packages of their own, so that the project's stay its own. */
export function prepareRivals(say: (line: string) => void): void {
  if (!isInstalled()) {
    say('Installing the rivals …');
    const args = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
    run('the installation of the rivals', 'npm', args, FOLDER);
    rmSync(path.join(TUTORIAL, 'dist'), { recursive: true, force: true });
  }
  if (isBuilt()) return;
  say('Building the rivals …');
  const prisma = inFolder('node_modules', 'prisma', 'build', 'index.js');
  node('the database client of the tutorial', [prisma, 'generate'], TUTORIAL);
  node('the build of the tutorial', [COMPILER, '-p', '.'], TUTORIAL);
}
