/** The sockets of one person on one node, as last reported. */
interface Report {
  sockets: number;
  heardAt: number;
}

interface Person {
  readonly reports: Map<string, Report>;
  isOnline: boolean;
  /** Runs while nobody reports a socket any more and the person may still be back. */
  grace: NodeJS.Timeout | undefined;
}

/**
 * Who is online anywhere, from what the nodes report: at once when the first socket is reported, and no longer when none
 * has been for the grace. Times are performance.now(), which no change of the clock disturbs.
 */
export class OnlinePeople {
  readonly #people = new Map<string, Person>();

  constructor(
    private readonly graceMs: number,
    private readonly onChange: (userId: string) => void,
  ) {}

  isOnline(userId: string): boolean {
    return this.#people.get(userId)?.isOnline ?? false;
  }

  /** As the node has last reported. */
  socketsOn(nodeId: string, userId: string): number {
    return this.#people.get(userId)?.reports.get(nodeId)?.sockets ?? 0;
  }

  /** Who has a socket on the node. */
  peopleOf(nodeId: string): string[] {
    const people: string[] = [];
    for (const [userId, { reports }] of this.#people) if (reports.has(nodeId)) people.push(userId);
    return people;
  }

  report(nodeId: string, userId: string, sockets: number): void {
    let person = this.#people.get(userId);
    if (person === undefined) {
      if (sockets <= 0) return;
      person = { reports: new Map(), isOnline: false, grace: undefined };
      this.#people.set(userId, person);
    }
    if (sockets > 0) person.reports.set(nodeId, { sockets, heardAt: performance.now() });
    else person.reports.delete(nodeId);
    this.#settle(userId, person);
  }

  /**
   * Drops what other nodes have not repeated for so long: they are gone.
   * @returns when the people of these reports were last heard of, by user id
   */
  forgetSilent(ownNodeId: string, ms: number): ReadonlyMap<string, number> {
    const oldest = performance.now() - ms;
    const forgotten = new Map<string, number>();
    for (const [userId, person] of this.#people) {
      for (const [nodeId, { heardAt }] of person.reports) {
        if (nodeId === ownNodeId || heardAt >= oldest) continue;
        person.reports.delete(nodeId);
        forgotten.set(userId, Math.max(heardAt, forgotten.get(userId) ?? 0));
      }
      this.#settle(userId, person);
    }
    return forgotten;
  }

  /** Ends every timer. */
  clear(): void {
    for (const { grace } of this.#people.values()) clearTimeout(grace);
    this.#people.clear();
  }

  #settle(userId: string, person: Person): void {
    if (person.reports.size === 0) {
      person.grace ??= setTimeout(() => {
        this.#people.delete(userId);
        this.onChange(userId);
      }, this.graceMs);
      return;
    }
    clearTimeout(person.grace);
    person.grace = undefined;
    if (person.isOnline) return;
    person.isOnline = true;
    this.onChange(userId);
  }
}
