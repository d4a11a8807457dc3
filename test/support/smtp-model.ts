// What notifications mean, said once more as naively as possible: everything is counted by looking at every message.

/** A message, as the model keeps it. */
interface Said {
  readonly author: string;
  readonly sequence: number;
  isDeleted: boolean;
  /** Whether its author was told, or spared, that somebody has read it. */
  isReceipted: boolean;
}

/** What somebody is expected to be told and not to have read. */
export interface Expected {
  readonly threadId: string;
  readonly type: string;
  readonly count: number;
  readonly sequence: number;
}

export class ThreadModel {
  readonly #said: Said[] = [];
  readonly #markers = new Map<string, number>();
  readonly #receipts = new Map<string, Set<Said>>();

  constructor(
    readonly id: string,
    readonly people: readonly string[],
    private readonly muted: ReadonlySet<string>,
    private readonly wantsReceipts: (person: string) => boolean,
  ) {
    for (const person of people) this.#receipts.set(person, new Set());
  }

  get length(): number {
    return this.#said.length;
  }

  send(author: string): void {
    const sequence = this.#said.length + 1;
    this.#said.push({ author, sequence, isDeleted: false, isReceipted: false });
  }

  authorOf(sequence: number): string {
    return this.#said[sequence - 1]!.author;
  }

  delete(sequence: number): void {
    const said = this.#said[sequence - 1]!;
    said.isDeleted = true;
    this.#receipts.get(said.author)!.delete(said);
  }

  read(person: string, upTo: number): void {
    this.#receipts.get(person)!.clear();
    if (upTo <= this.#markerOf(person)) return;
    this.#markers.set(person, upTo);
    for (const said of this.#said.slice(0, upTo)) {
      if (said.author === person || said.isDeleted || said.isReceipted) continue;
      said.isReceipted = true;
      if (this.wantsReceipts(said.author) && !this.muted.has(said.author))
        this.#receipts.get(said.author)!.add(said);
    }
  }

  expected(person: string): Expected[] {
    const unread = this.#said.filter(
      ({ author, sequence, isDeleted }) =>
        author !== person && !isDeleted && sequence > this.#markerOf(person),
    );
    const told = [
      { type: 'NEW_MESSAGE', messages: this.muted.has(person) ? [] : unread },
      { type: 'MESSAGE_READ', messages: [...this.#receipts.get(person)!] },
    ];
    return told
      .filter(({ messages }) => messages.length > 0)
      .map(({ type, messages }) => ({
        threadId: this.id,
        type,
        count: messages.length,
        sequence: Math.max(...messages.map(({ sequence }) => sequence)),
      }));
  }

  #markerOf(person: string): number {
    return this.#markers.get(person) ?? 0;
  }
}
