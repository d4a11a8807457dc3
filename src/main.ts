import module from 'node:module';
import { fileURLToPath } from 'node:url';

/** Node.js has it from 22.1 on. */
const { enableCompileCache } = module as {
  enableCompileCache?: (directory: string) => unknown;
};

// What V8 has compiled is kept for the next start. Not in /tmp, which is the default and others' as well; NODE_COMPILE_CACHE
// names another place, and without one that can be written to the start is as slow as the first.
enableCompileCache?.(
  fileURLToPath(new URL('../node_modules/.cache/parley/compiled', import.meta.url)),
);
// require() reads and links the modules in one go. import sends each file through the thread pool, and some 1,200 of them cost
// a tenth of the start's processor time.
module.createRequire(import.meta.url)('./start.js');
