import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { handleProtocols } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { Config } from '../config.js';
import { GRAPHQL_PATH } from './endpoint.js';
import { withoutUpgrade } from './ignored-upgrades.js';
import { ClientSocket } from './socket-connection.js';
import { SocketOperations } from './socket-operations.js';

const MAX_PAYLOAD_BYTES = 64 * 1024;
const PING_MS = 12_000;
const RESTARTING = 1012;
/** Clients come back over this window instead of all at once. */
const DRAIN_MS = 2_000;
/** HTTP requests have this long to be answered, and those that are never finished are cut. */
const HTTP_MS = 4_000;
/** A peer that does not answer the close is cut off. */
const CLOSE_MS = 1_500;
/** An option of ws that its types do not know yet. */
const CLOSING = { closeTimeout: CLOSE_MS };

/**
 * The WebSocket side of /graphql. Nest's own server has no limits, never answers an upgrade on another path and hangs on a
 * stalled peer when it stops, so this one is ours; the protocol itself is graphql-ws's.
 */
@Injectable()
export class SocketServer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #server = new WebSocketServer<typeof ClientSocket>({
    noServer: true,
    WebSocket: ClientSocket,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false,
    ...CLOSING,
    clientTracking: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  #draining = false;
  #pinger: NodeJS.Timeout | undefined;
  #http: Server | undefined;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly operations: SocketOperations,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.#http = this.adapterHost.httpAdapter.getHttpServer() as Server;
    this.#http.on('upgrade', this.#upgrade);
    this.#pinger = setInterval(() => {
      this.#ping();
    }, PING_MS);
  }

  get size(): number {
    return this.operations.sockets.size;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#draining = true;
    clearInterval(this.#pinger);
    // Nest waits for every connection; one that sent half a request would make it wait for a minute.
    setTimeout(() => this.#http?.closeAllConnections(), HTTP_MS).unref();
    const sockets = [...this.operations.sockets];
    const pause = sockets.length > 20 ? DRAIN_MS / sockets.length : 0;
    await Promise.all(sockets.map((socket, index) => this.#drain(socket, index * pause)));
    this.#http?.off('upgrade', this.#upgrade);
  }

  readonly #upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      this.#http?.emit('connection', withoutUpgrade(request, stream, head));
      return;
    }
    const refusal = this.#refusalOf(request);
    if (refusal !== null) {
      stream.on('error', () => undefined);
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
        stream.destroy(),
      );
      return;
    }
    this.#server.handleUpgrade(request, stream, head, (socket) => {
      socket.on('error', ignore);
      this.operations.serve(socket, stream as Socket);
    });
  };

  #refusalOf(request: IncomingMessage): string | null {
    if (request.url?.split('?', 1)[0] !== GRAPHQL_PATH) return '404 Not Found';
    if (this.#draining) return '503 Service Unavailable';
    if (!this.#isAllowedOrigin(request)) return '403 Forbidden';
    return this.operations.pending >= this.config.MAX_PENDING_SOCKETS
      ? '503 Service Unavailable'
      : null;
  }

  /** Browsers send their page's origin with every upgrade, and no other rule of theirs protects a WebSocket. */
  #isAllowedOrigin({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers;
    const allowed = this.config.ALLOWED_ORIGINS;
    if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host;
  }

  /**
   * Finds peers that are gone without a word: whoever has sent nothing since the ping before this one, not even the answer to
   * it, is cut off.
   */
  #ping(): void {
    for (const socket of this.operations.sockets) {
      if (socket.connection.isAlive()) socket.connection.ping();
      else socket.terminate();
    }
  }

  #drain(socket: ClientSocket, delay: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.operations.sockets.has(socket)) {
        resolve();
        return;
      }
      const close = setTimeout(() => {
        socket.close(RESTARTING, 'Restarting: reconnect with your cursor');
      }, delay);
      const cut = setTimeout(() => {
        socket.terminate();
      }, delay + CLOSE_MS);
      socket.once('close', () => {
        clearTimeout(close);
        clearTimeout(cut);
        resolve();
      });
    });
  }
}

/** Whatever is wrong with a socket also closes it. */
const ignore = (): void => undefined;
