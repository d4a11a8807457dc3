import type { DocumentNode } from 'graphql';

/**
 * Holds the place of an operation that is prepared and executed, and hears if the client completes it, or goes, meanwhile. It
 * is at work until then, although its place is free.
 */
export class Reservation implements AsyncIterable<never> {
  /** Of a subscription, once it is known. */
  document: DocumentNode | undefined;
  #isEnded = false;

  constructor(private readonly connection: { abandoned: number }) {}

  get isEnded(): boolean {
    return this.#isEnded;
  }

  return(): void {
    this.#isEnded = true;
    this.connection.abandoned += 1;
  }

  /** @returns what the work gives, unless the operation has been ended by then: nothing comes after that */
  async unlessEnded<Result>(work: Promise<Result>): Promise<Result> {
    const result = await work;
    if (!this.#isEnded) return result;
    this.connection.abandoned -= 1;
    return leaveWaiting();
  }

  [Symbol.asyncIterator](): AsyncIterator<never> {
    throw new Error('BUG: there is nothing to iterate yet');
  }
}

/**
 * What graphql-ws is given for an operation that the client has ended. Its functions tell such an operation by its id being free,
 * answer under the id and free it when they end; by then the client may have used the id again. So they do not go on: they
 * wait for a promise that nobody will fulfil and nobody holds, and are collected with it.
 */
export const leaveWaiting = (): Promise<never> => new Promise(() => undefined);
