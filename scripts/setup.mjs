// Installs, generates and builds what is missing or out of date; does nothing, quickly, where nothing is.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const stamps = at('node_modules/.cache/parley');

/** For tools that talk much: what they said is shown when they fail. */
const quiet = { stdio: ['ignore', 'pipe', 'pipe'] };

const steps = {
  install: {
    says: 'Installing the dependencies',
    isDone: isInstalled,
    run() {
      // npm may have been told to leave the tools out (NODE_ENV=production), but the build needs them.
      npm(['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund']);
    },
  },
  generate: {
    says: 'Generating the database client',
    isDone: () => isStamped('generate'),
    inputs: () => ['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json'],
    outputs: () => ['src/generated'],
    run() {
      node(['node_modules/prisma/build/index.js', 'generate'], quiet);
    },
  },
  build: {
    says: 'Building',
    isDone: () => isStamped('build'),
    inputs: () => [
      'src',
      'scripts/bundle.mjs',
      'tsconfig.json',
      'tsconfig.build.json',
      'node_modules/.package-lock.json',
    ],
    outputs: () => ['dist'],
    run() {
      fs.rmSync(at('dist'), { recursive: true, force: true });
      npm(['run', '--silent', 'build'], quiet);
    },
  },
};

/** @param {(keyof typeof steps)[]} names in order */
export async function setUp(names = ['install', 'generate', 'build']) {
  if (names.every((name) => steps[name].isDone())) return;
  const release = await takeLock();
  try {
    for (const name of names) {
      const step = steps[name];
      if (step.isDone()) continue;
      console.log(`${step.says} …`);
      fs.rmSync(stampOf(name), { force: true });
      // Read before the step: what is edited while it runs counts for the next time.
      const inputs = step.inputs && fingerprint(step.inputs());
      step.run();
      if (step.inputs) stamp(name, inputs);
    }
  } finally {
    release();
  }
}

/** What npm says it has installed is compared with what it should have, package by package. */
function isInstalled() {
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  const wanted = readJson('package-lock.json').packages;
  if (!installed) return false;
  const same = (name) =>
    installed[name].version === wanted[name]?.version &&
    installed[name].integrity === wanted[name]?.integrity;
  return (
    Object.keys(installed).every(same) &&
    Object.keys(wanted).every((name) => name === '' || name in installed || wanted[name].optional)
  );
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(at(file), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const stampOf = (name) => path.join(stamps, name);

/** A stamp names what the step read and what it made, so that a missing output is noticed as well. */
function isStamped(name) {
  const { inputs, outputs } = steps[name];
  try {
    const now = `${fingerprint(inputs())} ${fingerprint(outputs())}`;
    return fs.readFileSync(stampOf(name), 'utf8') === now;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function stamp(name, inputs) {
  fs.mkdirSync(stamps, { recursive: true });
  fs.writeFileSync(stampOf(name), `${inputs} ${fingerprint(steps[name].outputs())}`);
}

function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files) addTo(hash, file);
  return hash.digest('hex');
}

function addTo(hash, file) {
  const stat = fs.statSync(at(file));
  hash.update(`${file}\0`);
  if (!stat.isDirectory()) hash.update(fs.readFileSync(at(file)));
  else for (const name of fs.readdirSync(at(file)).sort()) addTo(hash, path.join(file, name));
}

function npm(args, options) {
  // Under `npm start` this is the very npm that runs us; on Windows a bare `npm` needs a shell.
  const self = process.env.npm_execpath;
  if (self && /npm-cli\.[cm]?js$/.test(self)) node([self, ...args], options);
  else run('npm', args, { shell: process.platform === 'win32', ...options });
}

const node = (args, options) => run(process.execPath, args, options);

function run(command, args, options) {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' },
    ...options,
  });
  if (status === 0) return;
  process.stderr.write(stdout ?? '');
  process.stderr.write(stderr ?? '');
  const why = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
  throw new SetUpError(`${[path.basename(command), ...args].join(' ')} failed: ${why}`);
}

export class SetUpError extends Error {}

/** Outside node_modules, which `npm ci` deletes. */
async function takeLock() {
  const id = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const file = path.join(tmpdir(), `parley-setup-${process.getuid?.() ?? 0}-${id}.lock`);
  for (let said = false; ;) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
      return () => fs.rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (removeIfStale(file)) continue;
    if (!said) console.log(`Waiting for another set-up (${file}) …`);
    said = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function removeIfStale(file) {
  const isStale = (lock) => {
    const holder = Number(fs.readFileSync(lock, 'utf8'));
    // A moment lies between the creation of the file and its content.
    return holder ? !isSettingUp(holder) : Date.now() - fs.statSync(lock).mtimeMs > 5_000;
  };
  const aside = `${file}.${process.pid}`;
  try {
    if (!isStale(file)) return false;
    fs.renameSync(file, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return true;
    throw new SetUpError(
      `The lock that an earlier set-up left cannot be removed: ${error.message}`,
    );
  }
  // Another waiter may have been faster; what we hold is then its fresh lock.
  if (!isStale(aside)) fs.linkSync(aside, file);
  fs.rmSync(aside);
  return true;
}

/** Pids come again, above all in a container that was killed and is started anew with its /tmp. */
function isSettingUp(pid) {
  if (pid === process.pid || !isAlive(pid)) return false;
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('scripts/');
  } catch {
    return true; // No /proc here, or none of our business.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Set-up for a script: its errors are sentences, not stack traces. */
export async function setUpOrExit(names) {
  try {
    await setUp(names);
  } catch (error) {
    console.error(error instanceof SetUpError ? error.message : error);
    process.exit(1);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href)
  await setUpOrExit();
