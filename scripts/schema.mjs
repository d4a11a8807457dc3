// Writes the schema as the app itself declares it: `npm run schema` for the committed file, or
// `node scripts/schema.mjs FILE` for another one.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const file = path.resolve(process.argv[2] ?? path.join(root, 'src', 'schema.graphql'));

for (const step of [
  [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  [path.join(root, 'scripts/bundle.mjs')],
])
  if (spawnSync(process.execPath, step, { cwd: root, stdio: 'inherit' }).status !== 0)
    process.exit(1);

// Of the bundle, which is what serves: its types are named after classes, which a bundler could rename.
const { loadBundle } = await import('../dist/bundle-loader.js');
const sdl = await loadBundle().bundle.printSchemaOf();
writeFileSync(file, sdl.endsWith('\n') ? sdl : `${sdl}\n`);
