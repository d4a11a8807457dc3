/** How much there is to read; everything ten times as large is there as well. */
export interface Sizes {
  /** Messages of the long thread. */
  readonly page: number;
  /** Threads of the long inbox. */
  readonly inbox: number;
  /** Other threads, of people with few. */
  readonly background: number;
}

export const FULL: Sizes = { page: 10_000, inbox: 300, background: 5_000 };
export const SMALL: Sizes = { page: 500, inbox: 60, background: 200 };

/** Threads that messages are sent to; each has two people of its own. */
export const SEND_THREADS = 200;

/** Plain data, and data ten times as large. */
export type Scale = 'once' | 'tenfold';

export interface BenchThread {
  readonly id: string;
  readonly tourist: string;
  readonly guide: string;
}

/** What an id begins with; seed.ts makes the same ones in SQL. */
export const KINDS = {
  user: 1,
  send: 2,
  page: 3,
  inbox: 4,
  inboxTenfold: 5,
  background: 6,
} as const;

const key = (kind: keyof typeof KINDS, place: number): string =>
  `${String(KINDS[kind]).padStart(8, '0')}-0000-4000-8000-${place.toString(16).padStart(12, '0')}`;

/** The places of people: who sends where, who has the long inbox, and whom they write with. */
export const PLACES = {
  inbox: { once: 5_000, tenfold: 5_001 },
  inboxGuides: 6_000,
  backgroundTourists: 1_000,
  backgroundGuides: 3_000,
  backgroundPeople: 2_000,
  end: 10_000,
} as const;

export const user = (place: number): string => key('user', place);

export const sendThread = (place: number): BenchThread => ({
  id: key('send', place),
  tourist: user(2 * place),
  guide: user(2 * place + 1),
});

/** The thread of the first two people that is long. */
export const pageThread = (scale: Scale): BenchThread => ({
  id: key('page', scale === 'once' ? 1 : 10),
  tourist: user(0),
  guide: user(1),
});

export const inboxOwner = (scale: Scale): string => user(PLACES.inbox[scale]);

export const inboxThreadId = (scale: Scale, place: number): string =>
  key(scale === 'once' ? 'inbox' : 'inboxTenfold', place);

export const backgroundThread = (place: number): BenchThread => ({
  id: key('background', place),
  tourist: user(PLACES.backgroundTourists + (place % PLACES.backgroundPeople)),
  guide: user(PLACES.backgroundGuides + ((place * 7) % PLACES.backgroundPeople)),
});

export const times = (scale: Scale): number => (scale === 'once' ? 1 : 10);

/** The newest messages of a long thread that its tourist has not read; half of them are the guide's. */
export const UNREAD_TAIL = 10;
/** Messages in each thread of an inbox, and how many of them the owner has not read. */
export const INBOX_MESSAGES = 20;
export const INBOX_READ = 14;
export const INBOX_UNREAD = 3;
