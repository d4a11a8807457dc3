import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config.js';

const PATH = 'notifications/unsubscribe';
/** Of the signature: beyond guessing. */
const BYTES = 24;

/** Links that end a person's mails without a login: signed, and good for nothing else. They do not expire. */
@Injectable()
export class UnsubscribeLinks {
  readonly #key: Buffer;
  readonly #base: string;

  constructor({ LINK_SECRET, JWT_SECRET, PUBLIC_URL }: Config) {
    // A node without either sends no mails, so no link is ours.
    this.#key = createHmac('sha256', LINK_SECRET ?? JWT_SECRET ?? randomBytes(BYTES))
      .update('parley: links in mails')
      .digest();
    // As a URL writes itself, in ASCII whatever the name of the host: the links stand in a header as well.
    const address = PUBLIC_URL === undefined ? '' : new URL(PUBLIC_URL).href;
    this.#base = `${address.replace(/\/+$/, '')}/${PATH}`;
  }

  linkFor(userId: string): string {
    const id = Buffer.from(userId).toString('base64url');
    return `${this.#base}?token=${id}.${this.#sign(id).toString('base64url')}`;
  }

  /** @returns whom the link is for; null where it is not one of ours */
  userOf(token: unknown): string | null {
    const [, id = '', signature = ''] =
      typeof token === 'string' ? (/^([\w-]{1,400})\.([\w-]{32})$/.exec(token) ?? []) : [];
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== BYTES || !timingSafeEqual(given, this.#sign(id))) return null;
    return Buffer.from(id, 'base64url').toString();
  }

  #sign(id: string): Buffer {
    return createHmac('sha256', this.#key).update(`unsubscribe:${id}`).digest().subarray(0, BYTES);
  }
}
