/** The first byte of an unfragmented text frame, and the lengths that have a form of their own (RFC 6455, section 5.2). */
const FINAL_TEXT = 0x81;
const LONGEST_SHORT = 125;
const TWO_BYTES = 126;
const LONGEST_TWO_BYTES = 0xffff;
const EIGHT_BYTES = 127;
/** What a close frame has room for beside its code (section 5.5). */
const MOST_REASON_BYTES = 123;

/** Messages of an operation: each is the same head and a body of its own. What has no body is no message. */
export interface Told {
  readonly head: Buffer;
  /** The same array for all sockets that are told the same. */
  readonly bodies: readonly (Buffer | null)[];
}

/** Text messages of a server, framed, in one buffer. */
interface Framed {
  readonly told: readonly Told[];
  readonly frames: Buffer;
  /** Where the heads are, of each that was told. */
  readonly places: readonly (readonly number[])[];
}

/**
 * Text messages of a server, framed, for one socket after the other. `ws` writes two pieces for each message and encodes its text
 * anew for each socket, which was half of what telling a thousand sockets takes (docs/performance.md). What many are told in a
 * turn differs in the ids of their operations alone, so the frames that were made last are kept, and only the heads are put in
 * their places.
 */
export class LentFrames {
  #last: Framed | undefined;

  /** @returns memory that the next call writes into, unless it was given away by then */
  of(told: readonly Told[]): Buffer {
    if (this.#last === undefined || !differInHeadsAlone(told, this.#last.told))
      this.#last = frame(told);
    const { frames, places } = this.#last;
    for (const [index, { head }] of told.entries())
      for (const place of places[index] ?? []) frames.set(head, place);
    return frames;
  }

  /** Somebody goes on reading the frames. */
  giveAway(): void {
    this.#last = undefined;
  }
}

/**
 * Of these messages the first, and more as long as there is room left.
 * @param room in bytes, of heads and bodies
 * @returns how many, those without a body among them, and what they take
 */
export function firstOf({ head, bodies }: Told, room: number): { count: number; bytes: number } {
  let [count, bytes] = [0, 0];
  do {
    const body = bodies[count++];
    if (body != null) bytes += head.length + body.length;
  } while (count < bodies.length && bytes <= room);
  return { count, bytes };
}

const differInHeadsAlone = (some: readonly Told[], others: readonly Told[]): boolean =>
  some.length === others.length &&
  some.every(({ head, bodies }, index) => {
    const other = others[index];
    return bodies === other?.bodies && head.length === other.head.length;
  });

/** The heads are left out. */
function frame(told: readonly Told[]): Framed {
  let size = 0;
  for (const { head, bodies } of told)
    for (const body of bodies) if (body !== null) size += sizeOf(head.length + body.length);
  const frames = Buffer.allocUnsafe(size);
  let at = 0;
  const places = told.map(({ head, bodies }) => {
    const ofHeads: number[] = [];
    for (const body of bodies) {
      if (body === null) continue;
      at = writeHeader(frames, at, head.length + body.length);
      ofHeads.push(at);
      at += head.length;
      at += body.copy(frames, at);
    }
    return ofHeads;
  });
  return { told, frames, places };
}

const sizeOf = (length: number): number => sizeOfHeader(length) + length;

function sizeOfHeader(length: number): number {
  if (length <= LONGEST_SHORT) return 2;
  return length <= LONGEST_TWO_BYTES ? 4 : 10;
}

/** @returns where the message goes */
function writeHeader(frames: Buffer, at: number, length: number): number {
  frames[at] = FINAL_TEXT;
  if (length <= LONGEST_SHORT) return frames.writeUInt8(length, at + 1);
  if (length <= LONGEST_TWO_BYTES) {
    frames[at + 1] = TWO_BYTES;
    return frames.writeUInt16BE(length, at + 2);
  }
  frames[at + 1] = EIGHT_BYTES;
  return frames.writeBigUInt64BE(BigInt(length), at + 2);
}

/** As much of a reason as a close frame can bear, in whole characters: it may name an id, which may be long. */
export function closeReason(reason: string): Buffer {
  const bytes = Buffer.from(reason);
  let end = Math.min(bytes.length, MOST_REASON_BYTES);
  // Not in front of a byte that continues a character.
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1;
  return bytes.subarray(0, end);
}
