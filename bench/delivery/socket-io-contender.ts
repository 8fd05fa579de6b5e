import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import type { Contender, JoinOptions, Participant, SentMessage } from './contender.js';

/** Socket.IO with connection state recovery, as its documents show it: see README.md. */
export const socketIoContender: Contender = {
  name: 'Socket.IO, recovery',
  script: join(import.meta.dirname, 'socket-io-server.ts'),
  // The server makes a client join its rooms as it connects.
  prepare: async () => undefined,
  join: (options) => new SocketIoParticipant(options),
};

class SocketIoParticipant implements Participant {
  readonly connected: Promise<unknown>;
  readonly #socket: Socket;
  pending = 0;

  constructor({ url, user, onSeen }: JoinOptions) {
    this.#socket = io(url, {
      auth: { user },
      // Without sessions that stick to a server, several servers need it.
      transports: ['websocket'],
      forceNew: true,
      // At least once; the documents show 3 retries, after which a message is given up.
      ackTimeout: 10_000,
      retries: Number.MAX_SAFE_INTEGER,
    });
    this.connected = new Promise<void>((resolve) => this.#socket.once('connect', resolve));
    this.#socket.on('message', (message: SentMessage, offset: string | undefined) =>
      onSeen(message, offset === undefined ? undefined : positionOf(offset)),
    );
  }

  send(message: SentMessage): void {
    this.pending++;
    this.#socket.emit('message', message, () => this.pending--);
  }

  close(): void {
    this.#socket.close();
  }
}

/** Id of an entry of the adapter's stream: milliseconds and a number. */
function positionOf(offset: string): bigint {
  const [milliseconds = '0', number = '0'] = offset.split('-');
  return BigInt(milliseconds) * 1_000_000n + BigInt(number);
}
