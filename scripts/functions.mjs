// Writes the index of the database's functions: `npm run functions`. Applied migrations are never changed, so what a function
// is today stands in the last one that defines it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './setup.mjs';

const prisma = path.join(root, 'prisma');
export const indexFile = path.join(prisma, 'functions.md');

const HEAD = `# The functions of the database

What each does, and the migrations that it is in, newest first: the first that defines it says what it is now.
Written by \`npm run functions\`.
`;
const STATEMENT = /^(CREATE|CREATE OR REPLACE|DROP|ALTER) FUNCTION (\w+)/;
/** Of a definition that says only what is new in it; what the function does is said by an earlier one. */
const SAYS_WHAT_IS_NEW = /^As before\b/;

/** @returns {string} the index, as it is to stand in `indexFile` */
export function printIndex() {
  const functions = new Map();
  for (const { verb, name, place, comment } of statements()) {
    const known = functions.get(name) ?? { places: [], comment: '' };
    const says = verb !== 'ALTER' && comment !== '' && !SAYS_WHAT_IS_NEW.test(comment);
    functions.set(name, {
      places: verb === 'DROP' ? [] : [place, ...known.places],
      comment: says ? comment : known.comment,
    });
  }
  const lines = [...functions]
    .filter(([, { places }]) => places.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { places, comment }]) => {
      const what = comment === '' ? '' : `: ${comment}`;
      return `- **${name}** (${places.join(', ')})${what}`;
    });
  return `${HEAD}\n${lines.join('\n')}\n`;
}

function* statements() {
  const folders = readdirSync(path.join(prisma, 'migrations'), { withFileTypes: true });
  for (const { name: folder } of folders.filter((entry) => entry.isDirectory()).sort(byName)) {
    const script = `migrations/${folder}/migration.sql`;
    const lines = readFileSync(path.join(prisma, script), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      const [, verb, name] = STATEMENT.exec(line) ?? [];
      if (name === undefined) continue;
      const link = `[${folder.replace(/^\d+_/, '')}](${script}#L${index + 1})`;
      const place = verb === 'ALTER' ? `${link} sets how it is planned` : link;
      yield { verb, name, place, comment: commentBefore(lines, index) };
    }
  }
}

const byName = (a, b) => (a.name < b.name ? -1 : 1);

function commentBefore(lines, index) {
  const start = lines.findLastIndex((line, at) => at < index && !line.startsWith('--')) + 1;
  return lines
    .slice(start, index)
    .map((line) => line.replace(/^-- ?/, ''))
    .join(' ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(indexFile, printIndex());
