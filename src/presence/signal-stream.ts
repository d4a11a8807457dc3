/**
 * The source of a subscription on something that passes: it holds no queue, only whether there may be news. Whenever its
 * reader is ready it asks what to say now, so a slow reader hears the newest and nothing in between. return() wakes whoever
 * waits in next() at once, which an async generator could not.
 */
export class SignalStream<Event extends object> implements AsyncIterableIterator<Event> {
  #woken = false;
  #ended = false;
  #wake: () => void = () => undefined;

  /**
   * @param take gives what is to be said now, null for nothing; its error ends the stream
   * @param onEnd called once, however the stream ends
   */
  constructor(
    private readonly take: () => Promise<Event | null>,
    private readonly onEnd: () => void,
  ) {}

  /** There may be news. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onEnd();
    this.#wake();
  }

  async next(): Promise<IteratorResult<Event>> {
    while (!this.#ended) {
      this.#woken = false;
      const event = await this.#takeOrEnd();
      if (event !== null) return { done: false, value: event };
      await this.#news();
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Event>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whoever ends the stream while it looks is not told what it saw. */
  async #takeOrEnd(): Promise<Event | null> {
    try {
      const event = await this.take();
      return this.#ended ? null : event;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#woken || this.#ended) resolve();
    });
  }
}
