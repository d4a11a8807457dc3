// Writes the schema as the app itself declares it: `npm run schema` for the committed file, or
// `node scripts/schema.mjs FILE` for another one.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const file = path.resolve(process.argv[2] ?? path.join(root, 'src', 'schema.graphql'));

const build = spawnSync(
  process.execPath,
  [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  { cwd: root, stdio: 'inherit' },
);
if (build.status !== 0) process.exit(1);

const { printSchemaOf } = await import('../dist/graphql/print-schema.js');
const sdl = await printSchemaOf();
writeFileSync(file, sdl.endsWith('\n') ? sdl : `${sdl}\n`);
