// Puts the server with its packages into one file, and beside it what V8 compiles of it: `npm run build` does so after tsc.
// Finding and linking 2,300 files is most of a start (docs/decisions/0012-bundle.md).
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BUNDLE, COMPILED, loadBundle } from '../dist/bundle-loader.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Large, loaded by few nodes or not at all, and never handed an object whose class the bundle has as well. */
const APART = [
  '@graphql-yoga/render-graphiql',
  '@prisma/client/runtime/query_compiler_fast_bg.postgresql.wasm-base64.mjs',
  'graphile-worker',
  'ioredis',
  'nodemailer',
];

/** What a package asks for and can do without (Nest has a dozen of these) is looked for when it is asked for, as ever. */
const optionalPackages = {
  name: 'optional packages',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path: name, pluginData, ...from }) => {
      if (pluginData === 'resolving') return undefined;
      const found = await resolve(name, { ...from, pluginData: 'resolving' });
      return found.errors.length > 0 ? { path: name, external: true } : found;
    });
  },
};

/**
 * A bundler renames what would hide something else, and of a decorated class (`let Name = class Name`) the inner name always
 * would; but GraphQL's types are named after their classes, and so is what Nest writes to the log. esbuild's own remedy
 * (keepNames) also names every function anew each time it is made, which costs a tenth of a page of messages.
 */
const namesOfClasses = {
  name: 'names of classes',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](dist|@nestjs)[\\/].*\.js$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8')).replace(
        /^(?:export )?(?:(?:let|var) \w+ = (?:\w+ = )?)?class (\w+)[^{\n]*\{/gm,
        "$& static { Object.defineProperty(this, 'name', { value: '$1', configurable: true }); }",
      ),
    }));
  },
};

/**
 * What a module imports from a CommonJS package, esbuild looks up anew at each use, by a function that all imports share and V8
 * therefore cannot make fast. Node.js itself takes the values when the package has been loaded, and so does this.
 */
const COPY_VALUES = `const __copyValues = (target, from) => {
  for (const key of Object.getOwnPropertyNames(Object(from)))
    if (!Object.hasOwn(target, key))
      Object.defineProperty(target, key, {
        value: from[key],
        enumerable: Object.getOwnPropertyDescriptor(from, key).enumerable,
      });
  return target;
};`;

function importValues(text) {
  const changed = text.replace(/^(var __toESM = [^;]*)__copyProps\(/m, '$1__copyValues(');
  if (changed === text) throw new Error('esbuild writes imports of CommonJS differently now.');
  return changed;
}

rmSync(path.dirname(BUNDLE), { recursive: true, force: true });
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['dist/bundle.js'],
  outfile: BUNDLE,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  // The modules are strict, being ES modules.
  banner: {
    js: `'use strict'; const __moduleUrl = require('node:url').pathToFileURL(__filename).href; ${COPY_VALUES}`,
  },
  define: { 'import.meta.url': '__moduleUrl' },
  // A script by itself cannot import(); require() takes both kinds of modules since Node.js 20.19.
  supported: { 'dynamic-import': false },
  external: APART,
  plugins: [optionalPackages, namesOfClasses],
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
});
mkdirSync(path.dirname(BUNDLE));
writeFileSync(BUNDLE, importValues(outputFiles[0].text));

// What a start needs is compiled by then: all modules, and an app that is put together.
const { bundle, script } = loadBundle();
await bundle.printSchemaOf();
writeFileSync(COMPILED, script.createCachedData());
