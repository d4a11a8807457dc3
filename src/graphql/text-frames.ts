/** The first byte of an unfragmented text frame, and the lengths that have a form of their own (RFC 6455, section 5.2). */
const FINAL_TEXT = 0x81;
const LONGEST_SHORT = 125;
const TWO_BYTES = 126;
const LONGEST_TWO_BYTES = 0xffff;
const EIGHT_BYTES = 127;
/** What a close frame has room for beside its code (section 5.5). */
const MOST_REASON_BYTES = 123;

/** A message in UTF-8, in parts of which most are the same for many sockets. */
export type TextMessage = readonly Buffer[];

/**
 * Text messages of a server, framed, in one buffer. `ws` writes two pieces for each message and encodes its text anew for each
 * socket, which was half of what telling a thousand sockets takes (docs/performance.md).
 */
export function textFrames(messages: readonly TextMessage[]): Buffer {
  const lengths = messages.map(lengthOf);
  const size = lengths.reduce((sum, length) => sum + sizeOfHeader(length) + length, 0);
  const frames = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [index, message] of messages.entries()) {
    at = writeHeader(frames, at, lengths[index] ?? 0);
    for (const part of message) at += part.copy(frames, at);
  }
  return frames;
}

/**
 * The same for one socket after the other. What many are told in a turn differs in the ids of their operations alone, so the
 * frames that were made last are kept, and only what differs is put in its place.
 */
export class LentFrames {
  #messages: readonly TextMessage[] = [];
  #frames: Buffer = Buffer.alloc(0);

  /** @returns memory that the next call writes into, unless it was given away by then */
  of(messages: readonly TextMessage[]): Buffer {
    if (!this.#putInPlace(messages)) this.#frames = textFrames(messages);
    this.#messages = messages;
    return this.#frames;
  }

  /** Somebody goes on reading the frames. */
  giveAway(): void {
    this.#messages = [];
  }

  /** @returns false where the frames have another form; what is in them then counts for nothing */
  #putInPlace(messages: readonly TextMessage[]): boolean {
    if (messages.length !== this.#messages.length) return false;
    let at = 0;
    return messages.every((message, index) => {
      const last = this.#messages[index] ?? [];
      if (message.length !== last.length) return false;
      at += sizeOfHeader(lengthOf(message));
      return message.every((part, place) => {
        const there = last[place];
        if (part.length !== there?.length) return false;
        if (part !== there) this.#frames.set(part, at);
        at += part.length;
        return true;
      });
    });
  }
}

export const lengthOf = (message: TextMessage): number =>
  message.reduce((sum, { length }) => sum + length, 0);

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
