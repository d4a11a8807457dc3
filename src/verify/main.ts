#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { RefusedError } from './caller.js';
import { verify } from './verify.js';

const USAGE = `A delivery report of a parley installation: sends messages, watches them arrive over WebSockets that are cut on
the way, and counts what is lost, doubled or out of order.

  parley-verify <url of /graphql> --token <a person's token> [options]

  --thread <id>     where to send; without it a conversation of its own with "parley-verify" is opened
  --clients <n>     connections of the person (10)
  --messages <n>    (500)
  --rate <n>        messages a second (50)
  --cuts <n>        connections that are cut (20)

Ends with code 0 when nothing was lost, doubled, reordered or invented.
`;

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        token: { type: 'string' },
        thread: { type: 'string' },
        clients: { type: 'string', default: '10' },
        messages: { type: 'string', default: '500' },
        rate: { type: 'string', default: '50' },
        cuts: { type: 'string', default: '20' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const { values, positionals } = parsed();
const [url] = positionals;
const numbers = [values.clients, values.messages, values.rate, values.cuts].map(Number);
const [clients = 0, messages = 0, perSecond = 0, cuts = 0] = numbers;
const isUsable =
  url !== undefined &&
  URL.canParse(url) &&
  values.token !== undefined &&
  numbers.every((number) => Number.isInteger(number) && number >= 0) &&
  clients * messages * perSecond > 0;

if (values.help || !isUsable) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}

try {
  const report = await verify({
    url,
    token: values.token ?? '',
    threadId: values.thread ?? null,
    clients,
    messages,
    perSecond,
    cuts,
  });
  const { lost, doubled, reordered, phantom, retries } = report;
  const tries = [...retries].map(([why, count]) => `${why} ${count}`).join(', ');
  const lines = [
    `acknowledged   ${report.acknowledged} messages`,
    `delivered      ${report.deliveries} to ${clients} clients, ${report.cuts} connections cut`,
    `sent again     ${tries === '' ? 'none' : tries}`,
    `lost           ${lost}`,
    `doubled        ${doubled}`,
    `reordered      ${reordered}`,
    `phantom        ${phantom}`,
    `send to seen   p50 ${report.p50.toFixed(1)} ms, p99 ${report.p99.toFixed(1)} ms`,
    `longest pause  ${report.longestPauseMs.toFixed(0)} ms without an event at a client`,
    `settled        ${report.settledMs.toFixed(0)} ms after the last acknowledgement`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exit(lost + doubled + reordered + phantom === 0 ? 0 : 1);
} catch (error) {
  const said = error instanceof RefusedError ? `${error.code}: ${error.message}` : String(error);
  process.stderr.write(`${said}\n`);
  process.exit(2);
}
