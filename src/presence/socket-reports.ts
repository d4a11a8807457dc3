import type { EventBus } from '../events/event-bus.js';
import type { OnlinePeople } from './online-people.js';

/** All people are repeated in so many parts, evenly over the time, so that many of them are no burst on the bus. */
const PARTS = 10;
/** How long it takes to repeat them to a node that asks. */
const ANSWER_MS = 1_000;

/** What this node tells the others of its own sockets: changes, everything again with each heartbeat, and when asked. */
export class SocketReports {
  #heartbeat: NodeJS.Timeout | undefined;
  #answer: NodeJS.Timeout | undefined;
  #isAskedAgain = false;

  constructor(
    private readonly nodeId: string,
    private readonly people: OnlinePeople,
    private readonly bus: EventBus,
  ) {}

  /** @param onBeat called whenever a heartbeat begins */
  start(heartbeatMs: number, onBeat: () => void): void {
    const sendPart = this.#inParts(onBeat);
    this.#heartbeat = setInterval(sendPart, heartbeatMs / PARTS);
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    clearInterval(this.#answer);
  }

  publish(userId: string, sockets: number): void {
    this.bus.publish({ type: 'presenceReported', nodeId: this.nodeId, userId, sockets });
  }

  /** Repeats everybody within a moment. Those who ask meanwhile share one more answer. */
  repeat(): void {
    this.#isAskedAgain = this.#answer !== undefined;
    if (this.#isAskedAgain) return;
    const sendPart = this.#inParts();
    this.#answer = setInterval(() => {
      if (!sendPart()) return;
      clearInterval(this.#answer);
      this.#answer = undefined;
      if (this.#isAskedAgain) this.repeat();
    }, ANSWER_MS / PARTS);
  }

  /** @returns a function that sends the next part, over and over; it returns whether that was the last of a round */
  #inParts(onRound: () => void = () => undefined): () => boolean {
    let part = 0;
    let people: readonly string[] = [];
    return () => {
      if (part === 0) {
        onRound();
        people = this.people.peopleOf(this.nodeId);
      }
      const size = Math.ceil(people.length / PARTS);
      for (const userId of people.slice(part * size, (part + 1) * size)) {
        const sockets = this.people.socketsOn(this.nodeId, userId);
        if (sockets > 0) this.publish(userId, sockets);
      }
      part = (part + 1) % PARTS;
      return part === 0;
    };
  }
}
