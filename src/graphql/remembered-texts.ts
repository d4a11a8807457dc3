/** A client's own operations are shorter; what is longer is not remembered. */
const LONGEST = 16 * 1024;
/** Of all texts together: a document takes up to 300 bytes for each. */
const MOST_CHARACTERS = 256 * 1024;

/** What was made of the texts that clients have sent last, bounded by their number and by their length. */
export class RememberedTexts<Value> {
  readonly #values = new Map<string, Value>();
  #characters = 0;

  /** @param most how many */
  constructor(private readonly most: number) {}

  get(text: string): Value | undefined {
    return this.#values.get(text);
  }

  /** @param text one that is not remembered */
  set(text: string, value: Value): void {
    if (text.length > LONGEST) return;
    this.#values.set(text, value);
    this.#characters += text.length;
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.most && this.#characters <= MOST_CHARACTERS) return;
      this.#values.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}
