/** The time that counts: after the warm-up, up to the end. */
export class Window {
  readonly #from: number;
  readonly to: number;

  constructor(
    warmUpSeconds: number,
    readonly seconds: number,
    readonly begin = performance.now(),
  ) {
    this.#from = this.begin + warmUpSeconds * 1_000;
    this.to = this.#from + seconds * 1_000;
  }

  counts(at: number): boolean {
    return at >= this.#from && at < this.to;
  }

  get isOver(): boolean {
    return performance.now() >= this.to;
  }
}
