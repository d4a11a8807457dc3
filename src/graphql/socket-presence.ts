import { Injectable } from '@nestjs/common';

export type PresenceListener = (userId: string, sockets: number) => void;

/** How many authenticated sockets each person has on this node. */
@Injectable()
export class SocketPresence {
  readonly #sockets = new Map<string, number>();
  readonly #listeners = new Set<PresenceListener>();

  socketsOf(userId: string): number {
    return this.#sockets.get(userId) ?? 0;
  }

  came(userId: string): void {
    this.#set(userId, this.socketsOf(userId) + 1);
  }

  left(userId: string): void {
    this.#set(userId, this.socketsOf(userId) - 1);
  }

  /** @returns the function that ends the listening */
  listen(listener: PresenceListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #set(userId: string, sockets: number): void {
    if (sockets === 0) this.#sockets.delete(userId);
    else this.#sockets.set(userId, sockets);
    for (const listener of this.#listeners) listener(userId, sockets);
  }
}
