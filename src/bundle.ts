// All that dist/bundle/server.cjs is made of: see scripts/bundle.mjs.
export { printSchemaOf } from './graphql/print-schema.js';
export { run } from './server.js';
