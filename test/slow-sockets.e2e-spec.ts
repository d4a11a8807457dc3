import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClientSocket } from '../src/graphql/socket-connection.js';
import { SocketOperations } from '../src/graphql/socket-operations.js';
import type { TestApp } from './support/app.js';
import { startApp, until } from './support/app.js';
import { openThread, send, sendMany } from './support/seeds.js';
import type { Subscription } from './support/socket-client.js';
import { SocketClient } from './support/socket-client.js';

const MIB = 1024 * 1024;

describe('a client that asks and does not read', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());

  const serverEnds = (): ClientSocket[] => [...app.get(SocketOperations).sockets];
  /** The server's end of the only socket. */
  const serverEnd = (): ClientSocket => {
    const [socket, ...others] = serverEnds();
    if (socket === undefined || others.length > 0) throw new Error('There is not one socket.');
    return socket;
  };
  /** Until no more of what the client has sent is taken. */
  const untilNotHeard = async ({ ws }: SocketClient): Promise<void> => {
    let [waiting, looks] = [0, 0];
    await until(
      () => {
        looks = ws.bufferedAmount === waiting ? looks + 1 : 0;
        waiting = ws.bufferedAmount;
        return looks === 100;
      },
      'what the client sends stays with it',
      30_000,
    );
  };

  const PINGS = 600;
  const pingMuch = (socket: SocketClient): void => {
    for (let place = 0; place < PINGS; place++)
      socket.send({ type: 'ping', payload: { place, text: 'x'.repeat(60_000) } });
  };

  it('is not heard until it has read, and then gets every answer', async () => {
    const socket = await app.socket('ann');
    socket.ws.pause();
    pingMuch(socket);
    await untilNotHeard(socket);
    expect(serverEnd().bufferedAmount).toBeLessThan(MIB);
    socket.ws.resume();
    for (let place = 0; place < PINGS; place++)
      expect((await socket.control()).payload.place).toBe(place);
    await socket.close();
  }, 60_000);

  it('is not heard before it has said who it is either, and is turned away', async () => {
    const socket = await SocketClient.connect(`${app.url}/graphql`);
    const end = serverEnd();
    socket.ws.pause();
    pingMuch(socket);
    let most = 0;
    await until(() => {
      most = Math.max(most, end.bufferedAmount);
      return end.readyState !== end.OPEN;
    }, 'it is turned away');
    expect(most).toBeLessThan(MIB);
    socket.cut();
    await until(() => app.get(SocketOperations).sockets.size === 0, 'it is gone');
  }, 60_000);

  it('is cut off soon after it was told to go', async () => {
    const socket = await SocketClient.connect(`${app.url}/graphql`);
    const end = serverEnd();
    socket.ws.pause();
    await until(() => end.readyState === end.CLOSING, 'it is told to say who it is or go');
    await until(() => app.get(SocketOperations).sockets.size === 0, 'it is gone');
    socket.cut();
  }, 30_000);

  it('is cut off when it takes nothing for half a minute', async () => {
    const socket = await app.socket('ann');
    socket.ws.pause();
    pingMuch(socket);
    await untilNotHeard(socket);
    await until(() => app.get(SocketOperations).sockets.size === 0, 'it is cut off', 60_000);
    socket.cut();
  }, 120_000);

  it('is cut off when the answers of one turn are more than a socket may keep', async () => {
    const { id } = await openThread(app);
    await sendMany(app.as('ann'), id, 100, () => '\u{1F600}'.repeat(4_000));
    const socket = await app.socket('ann');
    const end = serverEnd();
    let most = 0;
    const { send } = end;
    end.send = function (this: ClientSocket, ...frame: Parameters<typeof send>): void {
      send.apply(this, frame);
      most = Math.max(most, end.bufferedAmount);
    } as typeof send;
    socket.ws.pause();
    for (let count = 0; count < 60; count++)
      socket.start(
        'query ($id: ID!) { thread(id: $id) { messages(last: 100) { nodes { body } } } }',
        {
          id,
        },
      );
    await until(() => app.get(SocketOperations).sockets.size === 0, 'it is cut off', 30_000);
    expect(most).toBeLessThan(20 * MIB);
    socket.cut();
  }, 60_000);

  it('is told what it was told, whatever others are told meanwhile', async () => {
    const COUNT = 400;
    const bodyOf = ({ messageAdded }: any): string => messageAdded.message.body;
    const { id } = await openThread(app);
    const [slow, quick] = [await app.socket('ann'), await app.socket('ann')];
    // Its second operation: what the two are told differs in the ids of theirs, which are as long as each other.
    const { viewer } = await quick.run('{ viewer { cursor } }');
    const follow = (socket: SocketClient): Subscription =>
      socket.start(
        'subscription ($after: String) { messageAdded(after: $after) { message { body } } }',
        { after: viewer.cursor },
      );
    const [slowly, quickly] = [follow(slow), follow(quick)];
    await send(app.as('ben'), id, 'Both follow.');
    await slowly.next();
    await quickly.next();
    slow.ws.pause();
    const bodies = Array.from(
      { length: COUNT },
      (_, place) => `${place} ${'\u{1F600}'.repeat(3_900)}`,
    );
    await sendMany(app.as('ben'), id, COUNT, (place) => bodies[place - 1] ?? '');
    expect((await quickly.take(COUNT)).map(bodyOf)).toEqual(bodies);
    expect(serverEnds().some(({ bufferedAmount }) => bufferedAmount > 0)).toBe(true);
    slow.ws.resume();
    expect((await slowly.take(COUNT)).map(bodyOf)).toEqual(bodies);
    await slow.close();
    await quick.close();
  }, 60_000);
});
