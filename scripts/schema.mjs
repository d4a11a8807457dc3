// Writes the schema as the app itself declares it: `npm run schema` for the committed file, or
// `node scripts/schema.mjs FILE` for another one.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, setUpOrExit } from './setup.mjs';

const file = path.resolve(process.argv[2] ?? path.join(root, 'src', 'schema.graphql'));

await setUpOrExit();
// Of the bundle, which is what serves: its types are named after classes, which a bundler could rename.
const { loadBundle } = await import('../dist/bundle-loader.js');
const sdl = await loadBundle().bundle.printSchemaOf();
writeFileSync(file, sdl.endsWith('\n') ? sdl : `${sdl}\n`);
