/** Moves this process's clock; time goes on from there. What PostgreSQL says of the time is not changed. */
export class ShiftedClock {
  static readonly #real = Date;
  #offset = 0;

  /** Puts itself in the place of Date, once the schema is built, which knows the real one; timers are left alone. */
  start(): void {
    const now = (): number => ShiftedClock.#real.now() + this.#offset;
    globalThis.Date = new Proxy(ShiftedClock.#real, {
      construct: (target, values: unknown[]) =>
        values.length === 0 ? new target(now()) : (Reflect.construct(target, values) as Date),
      get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
    });
  }

  stop(): void {
    globalThis.Date = ShiftedClock.#real;
  }

  forward(minutes: number): void {
    this.#offset += minutes * 60_000;
  }

  /** Makes it this instant now. */
  set(instant: string): void {
    this.#offset = new ShiftedClock.#real(instant).getTime() - ShiftedClock.#real.now();
  }
}
