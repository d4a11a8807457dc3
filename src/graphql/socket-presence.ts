import { Injectable } from '@nestjs/common';

export type PresenceListener = (userId: string, sockets: number) => void;

/** How many authenticated sockets everybody has on this node; listeners hear of people only, for services are not present. */
@Injectable()
export class SocketPresence {
  readonly #people = new Map<string, number>();
  readonly #services = new Map<string, number>();
  readonly #listeners = new Set<PresenceListener>();

  /** A person's and a service's sockets together, should they bear the same id. */
  socketsOf(userId: string): number {
    return (this.#people.get(userId) ?? 0) + (this.#services.get(userId) ?? 0);
  }

  came(userId: string, isPerson = true): void {
    this.#add(userId, 1, isPerson);
  }

  left(userId: string, isPerson = true): void {
    this.#add(userId, -1, isPerson);
  }

  /** @returns the function that ends the listening */
  listen(listener: PresenceListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #add(userId: string, change: 1 | -1, isPerson: boolean): void {
    const sockets = count(isPerson ? this.#people : this.#services, userId, change);
    if (!isPerson) return;
    for (const listener of this.#listeners) listener(userId, sockets);
  }
}

function count(counts: Map<string, number>, key: string, change: number): number {
  const sum = (counts.get(key) ?? 0) + change;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
  return sum;
}
