/**
 * Holds many streams of events open, each of another user, and reads their bytes without making objects of them. Its
 * argument is a `ReaderArguments` as JSON. It is ready once all streams have caught up.
 */
import { connect, type Socket } from 'node:net';
import { serveParent } from './parent.js';

/** The argument of the process. */
export interface ReaderArguments {
  readonly port: number;
  /** Users are named `user-<number>`, from this number on. */
  readonly first: number;
  readonly count: number;
}

/** Asks when each stream received the message whose body is `marker-<marker>`. */
export interface ReaderQuestion {
  readonly marker: string;
}

const { port, first, count }: ReaderArguments = JSON.parse(process.argv[2] ?? '');

/** Streams that open at the same time. */
const OPENING = 64;
/** More bytes than a marker has: one may come in two parts. */
const REST = 64;
const MARKER = /"marker-(\d+)"/g;
const isLinux = process.platform === 'linux';

/** Milliseconds on the clock that all processes of a machine share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

/** By marker: when each stream received it. */
const received = new Map<string, number[]>();
let onReceived = () => {};

let next = 0;
const openNext = async (): Promise<void> => {
  while (next < count) await open(first + next++);
};
await Promise.all(Array.from({ length: OPENING }, openNext));

serveParent<ReaderQuestion>('ready', async ({ marker }) => {
  while ((received.get(marker)?.length ?? 0) < count)
    await new Promise<void>((resolve) => {
      onReceived = resolve;
    });
  const times = received.get(marker);
  received.delete(marker);
  return times;
});

/** Resolves once the stream has caught up. */
function open(user: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // Each address of its own has all ports for outgoing connections.
    const localAddress = `127.0.0.${2 + (user % 200)}`;
    const socket = connect({ host: '127.0.0.1', port, ...(isLinux && { localAddress }) });
    const headers = ['host: localhost', `authorization: Bearer user-${user}`, 'x-device: phone'];
    socket.write(`${['GET /events?start=now HTTP/1.1', ...headers].join('\r\n')}\r\n\r\n`);
    let head = '';
    const onOpening = (data: Buffer) => {
      head += data.toString('latin1');
      if (!head.startsWith('HTTP/1.1 200'.slice(0, head.length))) reject(new Error(`no stream: ${head}`));
      if (!head.includes('event: caught-up')) return;
      socket.off('data', onOpening);
      watch(socket);
      resolve();
    };
    socket.on('data', onOpening);
    socket.on('error', reject);
    socket.on('close', () => {
      // A stream that is gone would never receive what is asked for.
      process.stderr.write(`the stream of user-${user} ended: ${head.slice(-200)}\n`);
      process.exit(1);
    });
  });
}

function watch(socket: Socket): void {
  let rest = '';
  socket.on('data', (data: Buffer) => {
    const text = rest + data.toString('latin1');
    let end = 0;
    for (const { 0: found, 1: marker = '', index } of text.matchAll(MARKER)) {
      end = index + found.length;
      const times = received.get(marker) ?? [];
      received.set(marker, times);
      times.push(now());
      if (times.length === count) onReceived();
    }
    rest = text.slice(Math.max(end, text.length - REST));
  });
}
