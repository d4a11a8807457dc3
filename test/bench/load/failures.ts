/** A run that fails this often says nothing any more, and may go on for ever. */
const TOO_MANY = 50;

/** Counts what went wrong and keeps the first reason. */
export class Failures {
  #count = 0;
  #first = '';

  add(error: unknown): void {
    this.#count += 1;
    this.#first ||= error instanceof Error ? error.message : String(error);
    if (this.#count > TOO_MANY) throw new Error(`too many failures: ${this.#first}`);
  }

  get count(): number {
    return this.#count;
  }

  get wrong(): string[] {
    return this.#count === 0 ? [] : [`${this.#count} failed, the first with: ${this.#first}`];
  }
}
