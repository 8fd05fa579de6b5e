import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type ChatClient, connectChat, type WebSocketConstructor } from '../../client/index.js';
import type { Contender, Conversations, JoinOptions, Participant, SentMessage } from './contender.js';

/** `timeline-model/http` with `timeline-model/client`. */
export const gatewayContender: Contender = {
  name: 'timeline-model',
  script: join(import.meta.dirname, 'gateway-server.ts'),
  prepare,
  join: (options) => new GatewayParticipant(options),
};

async function prepare(url: string, conversations: Conversations): Promise<void> {
  for (const [conversation, users] of conversations) {
    const response = await fetch(`${url}/conversations/${conversation}/members`, {
      method: 'POST',
      headers: { authorization: `Bearer ${users[0]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ users }),
    });
    if (!response.ok) throw new Error(`${conversation} was not founded: ${response.status} ${await response.text()}`);
  }
}

/** Of four clients, two read by SSE and two by WebSocket; of each two, one keeps its position on the server. */
class GatewayParticipant implements Participant {
  readonly connected: Promise<unknown>;
  readonly #chat: ChatClient<SentMessage>;

  constructor({ url, user, index, onSeen }: JoinOptions) {
    const chat = connectChat<SentMessage>(url, {
      token: user,
      transport: index % 2 === 0 ? 'sse' : 'websocket',
      WebSocket: WebSocket as unknown as WebSocketConstructor,
      ...(index % 4 < 2 && { device: 'phone' }),
    });
    this.#chat = chat;
    this.connected = new Promise<void>((resolve) => {
      chat.on('state', (state) => {
        if (state === 'live') resolve();
      });
    });
    chat.on('message', ({ kind, body, entrySeqId }) => {
      if (kind === 'message' && body) onSeen(body, entrySeqId);
    });
  }

  get pending(): number {
    return this.#chat.outbox.getSnapshot().length;
  }

  send(message: SentMessage): void {
    this.#chat.send(message.conversation, message);
  }

  close(): void {
    void this.#chat.close();
  }
}
