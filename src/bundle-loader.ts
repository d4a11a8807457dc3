import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import type * as Bundle from './bundle.js';

/** Lies as deep as the modules do that it is made of, whose paths are relative to their own places. */
export const BUNDLE = fileURLToPath(new URL('./bundle/server.cjs', import.meta.url));
/** What V8 has compiled of it. */
export const COMPILED = `${BUNDLE}.compiled`;

type Factory = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: unknown },
  filename: string,
  dirname: string,
) => void;

/** The server in one file, and its script, for whoever keeps what has been compiled of it. */
export interface LoadedBundle {
  readonly bundle: typeof Bundle;
  readonly script: Script;
}

/**
 * Loads the bundle as require() would, but with the code that was compiled when it was built. Where another version of
 * Node.js or other flags of V8 have no use for that code, or it is missing, V8 compiles anew.
 */
export function loadBundle(): LoadedBundle {
  const cachedData = readIfThere(COMPILED);
  const source = readFileSync(BUNDLE, 'utf8');
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
    {
      filename: BUNDLE,
      ...(cachedData && { cachedData }),
    },
  );
  const module = { exports: {} };
  const factory = script.runInThisContext() as Factory;
  factory(module.exports, createRequire(BUNDLE), module, BUNDLE, path.dirname(BUNDLE));
  return { bundle: module.exports as typeof Bundle, script };
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
