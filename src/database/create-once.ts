import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { errorCode } from '../reasons.js';

/** Creates the file with its whole content at once, unless it exists; the first of several wins. */
export async function createOnce(file: string, text: string, mode: number): Promise<boolean> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    // On the disk before it has its name: neither a full one nor a power failure leaves an empty file.
    await fs.writeFile(draft, text, { mode, flag: 'wx', flush: true });
    await giveToOwnerOf(path.dirname(file), draft);
    await fs.link(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await fs.rm(draft, { force: true });
  }
}

/** What root writes into a user's data directory, the user must be able to use afterwards. */
export async function giveToOwnerOf(directory: string, file: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await fs.stat(directory);
  await fs.chown(file, uid, gid);
}
