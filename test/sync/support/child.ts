/** A process that synchronises messages: `child.ts <command> <kind> <where> …`. Reports in lines on stdout. */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { CONVERSATIONS, CROWD, type DatabaseLocation, Libraries, messageOf } from './crowd.js';

const [command, kind, where = '', ...args] = process.argv.slice(2);
const libraries = await Libraries.open({ kind: kind as DatabaseLocation['kind'], where });
const tell = (...words: readonly unknown[]) => writeSync(1, `${words.join(' ')}\n`);

const commands: Record<string, () => Promise<void>> = {
  /** Sends until it is killed: `stored` once a message is stored, `delivered` once every inbox has it. */
  async sendForever() {
    const [run] = args;
    const sync = libraries.messages(CROWD);
    let next = 0;
    const caller = async () => {
      for (;;) {
        const key = `${run}.${next++}`;
        tell('sending', key);
        const { seqId, delivered } = await sync.send(messageOf(key));
        tell('stored', key, seqId);
        await delivered;
        tell('delivered', key, seqId);
      }
    };
    await Promise.all(Array.from({ length: 4 }, caller));
  },

  /** Sends what another process may or may not have sent. */
  async resend() {
    const sync = libraries.messages(CROWD);
    await Promise.all(
      args.map(async (key) => {
        const { seqId, delivered } = await sync.send(messageOf(key));
        tell('stored', key, seqId);
        await delivered;
        tell('delivered', key, seqId);
      }),
    );
    await sync.close();
    await libraries.close();
  },

  /** On a signal, sends the messages of a run from several callers, each twice. The second may overtake the first. */
  async sendTwice() {
    const [run, count, members] = args;
    const sync = libraries.messages(CROWD.slice(0, Number(members)));
    tell('ready');
    await once(process.stdin, 'data');
    const keys = Array.from({ length: Number(count) }, (_, i) => `${run}.${i}`);
    const caller = async () => {
      for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
        for (const { seqId, delivered } of await Promise.all([sync.send(messageOf(key)), sync.send(messageOf(key))])) {
          await delivered;
          tell('delivered', key, seqId);
        }
      }
    };
    await Promise.all(Array.from({ length: 4 }, caller));
    await sync.close();
    await libraries.close();
    process.stdin.destroy();
  },

  async recover() {
    const sync = libraries.messages(CROWD);
    const { resumed } = await sync.recover();
    tell('resumed', resumed);
    await sync.close();
    await libraries.close();
  },

  /** Signals until it is killed, from one member to the first `members`. */
  async signalForever() {
    const [members] = args;
    const sync = libraries.messages(CROWD.slice(0, Number(members)));
    for (let i = 0; ; i++) await sync.signal(CONVERSATIONS[0]!, { from: CROWD[0]!, body: { typing: i } });
  },

  /** Only runs the background recovery. */
  async watch() {
    libraries.messages(CROWD, { leaseMs: 100, recoverEveryMs: 20 });
    setInterval(() => undefined, 60_000);
  },
};

await commands[command ?? '']?.();
