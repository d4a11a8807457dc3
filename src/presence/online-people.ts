/** The sockets of one person on one node, as last reported. */
interface Report {
  readonly nodeId: string;
  sockets: number;
  heardAt: number;
}

interface Person {
  /** One per node: an array, for there are few, and of most people one. */
  reports: Report[];
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
    return reportOf(this.#people.get(userId), nodeId)?.sockets ?? 0;
  }

  /** Who has a socket on the node. */
  peopleOf(nodeId: string): string[] {
    const people: string[] = [];
    for (const [userId, person] of this.#people)
      if (reportOf(person, nodeId) !== undefined) people.push(userId);
    return people;
  }

  report(nodeId: string, userId: string, sockets: number): void {
    let person = this.#people.get(userId);
    if (person === undefined) {
      if (sockets <= 0) return;
      person = { reports: [], isOnline: false, grace: undefined };
      this.#people.set(userId, person);
    }
    person.reports = person.reports.filter((report) => report.nodeId !== nodeId);
    if (sockets > 0)
      // As long as it must be; push() would make room for 17.
      person.reports = person.reports.concat({ nodeId, sockets, heardAt: performance.now() });
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
      const isSilent = ({ nodeId, heardAt }: Report): boolean =>
        nodeId !== ownNodeId && heardAt < oldest;
      for (const { heardAt } of person.reports.filter(isSilent))
        forgotten.set(userId, Math.max(heardAt, forgotten.get(userId) ?? 0));
      if (person.reports.some(isSilent))
        person.reports = person.reports.filter((r) => !isSilent(r));
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
    if (person.reports.length === 0) {
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

const reportOf = (person: Person | undefined, nodeId: string): Report | undefined =>
  person?.reports.find((report) => report.nodeId === nodeId);
