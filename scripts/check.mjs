// Every check of the project, from fast to slow: `npm run check`, `npm run check -- lint types`,
// `npm run check -- --except tests`. It needs `npm run setup` first.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { indexFile, printIndex } from './functions.mjs';
import { root } from './setup.mjs';

const contract = path.join('..', 'shared', 'tools', 'check-contract.mjs');
const inRoot = (file) => path.join(root, file);

/** A step answers true, false, or the reason why it could not be run here. */
const steps = {
  format: () => tool('prettier', '--check', '.'),
  pins: () => none('versions that are not exact', loosePins()),
  lock: () => none('packages that `npm ci` will miss', missingFromLock()),
  paths: () => none('paths of one machine', pathsOfThisMachine()),
  graph: () => tool('depcruise', 'src', 'test'),
  lint: () => tool('eslint', '--max-warnings', '0', '.'),
  types: () => tool('tsc', '--noEmit'),
  schema: committedSchemaIsCurrent,
  functions: () =>
    none(
      'not what the migrations say (npm run functions)',
      readFileSync(indexFile, 'utf8') === printIndex() ? [] : ['prisma/functions.md'],
    ),
  contract: () =>
    existsSync(inRoot(contract))
      ? run(contract, 'src/schema.graphql')
      : `there is no ${contract} beside the project`,
  tests: () => run('scripts/test.mjs'),
};

function run(script, ...args) {
  const { status, error } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) console.error(error.message);
  return status === 0;
}

function tool(name, ...args) {
  const scripts = {
    depcruise: 'dependency-cruiser/bin/dependency-cruise.mjs',
    eslint: 'eslint/bin/eslint.js',
    prettier: 'prettier/bin/prettier.cjs',
    tsc: 'typescript/bin/tsc',
  };
  return run(inRoot(`node_modules/${scripts[name]}`), ...args);
}

function none(what, found) {
  if (found.length === 0) return true;
  console.error(`${what}:\n${found.map((line) => `  ${line}`).join('\n')}`);
  return false;
}

/** A registry that does not carry another platform's package leaves it out of the lock, which `npm ci` then refuses. */
function missingFromLock() {
  const { packages } = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8'));
  return Object.entries(packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !(`node_modules/${name}` in packages) && !(`${parent}/node_modules/${name}` in packages),
    ),
  );
}

function loosePins() {
  const manifest = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
  const walk = (where, versions) =>
    Object.entries(versions ?? {}).flatMap(([name, version]) => {
      if (typeof version === 'object') return walk(`${where} > ${name}`, version);
      return exact.test(version) || (where.startsWith('overrides') && version.startsWith('$'))
        ? []
        : [`${where}: ${name} ${version}`];
    });
  return ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'].flatMap((where) =>
    walk(where, manifest[where]),
  );
}

function pathsOfThisMachine() {
  // Where a checkout lies right under such a folder, its name says nothing about the machine.
  const common = ['/', '/tmp', '/home', '/opt', '/srv', '/usr/src', '/var/tmp'];
  const folders = [path.dirname(root), homedir()].filter((folder) => !common.includes(folder));
  return [...new Set(folders)].flatMap((folder) => {
    const escaped = folder.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const found = spawnSync(
      'git',
      ['grep', '-nIE', `(^|[^[:alnum:]_.~-])${escaped}/`, '--', '.', ':!package-lock.json'],
      { cwd: root, encoding: 'utf8' },
    );
    // Beyond 1, which means that nothing was found, git could not look.
    if (found.status > 1 || found.error) return [`git grep failed: ${found.stderr}`];
    return found.stdout.split('\n').filter(Boolean);
  });
}

function committedSchemaIsCurrent() {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-schema-'));
  const printed = path.join(folder, 'schema.graphql');
  try {
    if (!run('scripts/schema.mjs', printed)) return false;
    const { status, stdout, stderr } = spawnSync(
      'git',
      ['diff', '--no-index', '--', 'src/schema.graphql', printed],
      { cwd: root, encoding: 'utf8' },
    );
    if (status === 0) return true;
    console.error(`${stdout}${stderr}src/schema.graphql is not what the app says: npm run schema`);
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function chosen(args) {
  const except = args[0] === '--except';
  const named = except ? args.slice(1) : args;
  const unknown = named.filter((name) => !(name in steps));
  if (unknown.length > 0 || (except && named.length === 0)) {
    console.error(
      `No such step: ${unknown.join(', ')}. There are: ${Object.keys(steps).join(', ')}`,
    );
    process.exit(2);
  }
  return Object.keys(steps).filter((name) =>
    named.length === 0 ? true : named.includes(name) !== except,
  );
}

const results = chosen(process.argv.slice(2)).map((name) => {
  console.log(`\n── ${name}`);
  const start = performance.now();
  const outcome = steps[name]();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  return { name, seconds, outcome };
});

console.log('');
for (const { name, seconds, outcome } of results) {
  const said = { true: 'passed', false: 'FAILED' }[outcome] ?? `not run: ${outcome}`;
  console.log(`${name.padEnd(9)} ${seconds.padStart(6)} s  ${said}`);
}
const failed = results.filter(({ outcome }) => outcome === false).length;
const passed = results.filter(({ outcome }) => outcome === true).length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
