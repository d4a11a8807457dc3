import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../reasons.js';

/** With its parents. mkdir's own `recursive` never ends where the parent is there and takes nothing, for example in /proc. */
export async function makeDirectory(directory: string): Promise<void> {
  if (await isDirectory(directory)) return;
  const parent = path.dirname(directory);
  if (parent !== directory) await makeDirectory(parent);
  try {
    await fs.mkdir(directory);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST' || !(await isDirectory(directory))) throw error;
  }
}

const isDirectory = (file: string): Promise<boolean> =>
  fs.stat(file).then(
    (stat) => stat.isDirectory(),
    () => false,
  );
