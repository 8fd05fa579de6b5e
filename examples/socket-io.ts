import type { Server, Socket } from 'socket.io';
import { isTimelineError } from 'timeline-model';
import type { Device, MessageSync } from 'timeline-model/sync';

/** Serves a MessageSync, opened with `authorize`, to clients of Socket.IO. `userOf` finds the user of a token. */
export function serveSocketIo<M>(io: Server, sync: MessageSync<M>, userOf: (token: unknown) => string | undefined) {
  io.on('connection', (socket) => {
    const { token, device } = socket.handshake.auth;
    const user = userOf(token);
    if (user === undefined || typeof device !== 'string') return socket.disconnect();
    socket.on('send', async (conversation: string, body: M, key: string, answer: (result: object) => void) => {
      const sent = sync.send({ conversation, sender: user, body, key: `${user.length}:${user}:${key}` });
      answer(await sent.catch((error) => ({ error: isTimelineError(error) ? error.code : 'INTERNAL' })));
    });
    return stream(socket, sync.device(user, device)).catch(() => socket.disconnect());
  });
}

/** Sends a message, and the next one once the client has taken it. After a cut, it goes on from there. */
async function stream<M>(socket: Socket, device: Device<M>): Promise<void> {
  const gone = new AbortController();
  socket.on('disconnect', () => gone.abort());
  for await (const message of device.subscribe({ signal: gone.signal })) {
    await socket.timeout(30_000).emitWithAck('message', message);
    await device.ack(message.cursor);
  }
}
