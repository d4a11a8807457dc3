import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { SocketPresence } from '../graphql/socket-presence.js';
import { PresenceService } from './presence.service.js';

/** Tells presence of the sockets of this node, to the last one of a stop. */
@Injectable()
export class SocketReporter implements OnModuleInit, OnApplicationShutdown {
  #stopListening: () => void = () => undefined;

  constructor(
    private readonly sockets: SocketPresence,
    private readonly presence: PresenceService,
  ) {}

  onModuleInit(): void {
    this.#stopListening = this.sockets.listen((userId, sockets) => {
      this.presence.socketsChanged(userId, sockets);
    });
  }

  onApplicationShutdown(): void {
    this.#stopListening();
  }
}
