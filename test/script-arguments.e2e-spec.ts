import { expect, it } from '@jest/globals';
import { run } from './support/commands.js';

it.each(['verify', 'faults', 'bench', 'check'])(
  'the script %s says which argument it does not know, and nothing of its insides',
  async (script) => {
    const { code, said } = await run([`scripts/${script}.mjs`, '--bogus']);
    expect(code).toBe(2);
    expect(said).toMatch(/^(Unknown option '--bogus'|No such step: --bogus)/);
    expect(said).not.toMatch(/\n\s+at /);
  },
);
