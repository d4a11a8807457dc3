import { randomUUID } from 'node:crypto';
import { ask } from './caller.js';
import type { Retries } from './caller.js';
import type { Faults, Seen } from './deliveries.js';
import { add, compare, noFaults, percentile } from './deliveries.js';
import { Device } from './device.js';

export interface VerifyOptions {
  /** Of /graphql. */
  readonly url: string;
  readonly token: string;
  readonly threadId: string | null;
  readonly clients: number;
  readonly messages: number;
  readonly cuts: number;
  readonly perSecond: number;
}

export interface DeliveryReport extends Faults {
  readonly acknowledged: number;
  readonly deliveries: number;
  readonly cuts: number;
  readonly retries: Retries;
  /** Milliseconds from the call of sendMessage to a device, the cut ones included. */
  readonly p50: number;
  readonly p99: number;
  readonly settledMs: number;
  /** The longest time without an event at a client while messages were being sent. */
  readonly longestPauseMs: number;
}

const READY_MS = 15_000;
const SETTLE_MS = 30_000;
/** Whom the conversation of a verification is with, unless a thread is given: nobody. */
const COUNTERPART = 'parley-verify';

/** Sends messages, watches them arrive at devices whose connections are cut, and says what came of it. */
export async function verify(options: VerifyOptions): Promise<DeliveryReport> {
  const address = (): string => options.url;
  const threadId = options.threadId ?? (await openThread(options));
  const run = randomUUID();
  const sentAt = new Map<string, number>();
  const delays: number[] = [];
  const seen: Seen[][] = [];
  let longestPauseMs = 0;
  const devices = Array.from({ length: options.clients }, (_, index) => {
    const list: Seen[] = (seen[index] = []);
    let lastAt = Infinity;
    return new Device({
      address,
      token: options.token,
      onEvent: ({ message }) => {
        if (message?.body.startsWith(run) !== true) return;
        list.push(message);
        const now = performance.now();
        longestPauseMs = Math.max(longestPauseMs, now - lastAt);
        lastAt = now;
        const at = sentAt.get(message.body);
        if (at !== undefined) delays.push(now - at);
      },
    });
  });
  try {
    await within(READY_MS, 'every client is connected', () => devices.every(({ live }) => live));
    const retries: Retries = new Map();
    const cutter = cutNowAndThen(devices, options);
    const acknowledged = await sendAll(options, threadId, run, sentAt, retries);
    const doneAt = performance.now();
    cutter.stop();
    const expected = new Map(acknowledged.map((message) => [message.id, message]));
    await within(SETTLE_MS, '', () => seen.every((list) => list.length >= expected.size), false);
    const settledMs = performance.now() - doneAt;
    const faults = noFaults();
    for (const list of seen) add(faults, compare(expected, list));
    return {
      ...faults,
      acknowledged: acknowledged.length,
      deliveries: seen.reduce((sum, list) => sum + list.length, 0),
      cuts: cutter.cuts(),
      retries,
      p50: percentile(delays, 50),
      p99: percentile(delays, 99),
      settledMs,
      longestPauseMs,
    };
  } finally {
    for (const device of devices) device.stop();
  }
}

async function openThread({ url, token }: VerifyOptions): Promise<string> {
  const { viewer } = await ask<{ viewer: { user: { id: string } } }>(
    () => url,
    token,
    '{ viewer { user { id } } }',
    {},
    { patience: 5_000 },
  );
  const { openThread: opened } = await ask<{ openThread: { thread: { id: string } } }>(
    () => url,
    token,
    'mutation ($input: OpenThreadInput!) { openThread(input: $input) { thread { id } } }',
    { input: { touristId: viewer.user.id, guideId: COUNTERPART, tripId: COUNTERPART } },
    { patience: 5_000 },
  );
  return opened.thread.id;
}

/** One after the other, at the pace asked for: the order of the thread is then known. */
async function sendAll(
  { url, token, messages, perSecond }: VerifyOptions,
  threadId: string,
  run: string,
  sentAt: Map<string, number>,
  retries: Retries,
): Promise<Seen[]> {
  const acknowledged: Seen[] = [];
  const startedAt = performance.now();
  for (let number = 1; number <= messages; number++) {
    const body = `${run} ${number}`;
    const input = { threadId, body, clientMessageId: `${run}-${number}` };
    sentAt.set(body, performance.now());
    const { sendMessage } = await ask<{ sendMessage: { message: Seen } }>(
      () => url,
      token,
      `mutation ($input: SendMessageInput!) { sendMessage(input: $input) {
         message { id threadId sequence body } } }`,
      { input },
      { retries },
    );
    acknowledged.push(sendMessage.message);
    const ahead = startedAt + (number * 1_000) / perSecond - performance.now();
    if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
  }
  return acknowledged;
}

function cutNowAndThen(
  devices: readonly Device[],
  { cuts, messages, perSecond }: VerifyOptions,
): { cuts: () => number; stop: () => void } {
  let done = 0;
  const timer = setInterval(
    () => {
      const live = devices.filter((device) => device.live);
      if (done >= cuts || live.length === 0) return;
      live[Math.floor(Math.random() * live.length)]?.cut();
      done += 1;
    },
    (messages / perSecond / (cuts + 1)) * 1_000,
  );
  return {
    cuts: () => done,
    stop: () => {
      clearInterval(timer);
    },
  };
}

async function within(
  ms: number,
  what: string,
  condition: () => boolean,
  required = true,
): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) {
      if (required) throw new Error(`It did not come true within ${ms} ms that ${what}.`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
