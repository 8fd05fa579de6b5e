import type { TimelineId } from '../../src/index.js';
import { advanceOrReset } from '../shared/checkpoints.js';
import type { Context } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import { signerFor } from './cursor-signature.js';
import { type DeviceLog, furtherInbox } from './device-log.js';
import {
  type DeviceIdentity,
  type KeptPosition,
  lastOf,
  type OpenedPosition,
  type ReadHeads,
} from './kept-position.js';
import { followedOf } from './merged-stream.js';
import type { NameHashes } from './name-hashes.js';
import type { PageRecords } from './page-records.js';
import { rebuild } from './rebuild.js';
import { StoredCursors } from './stored-cursors.js';
import type { StreamHeads } from './stream-heads.js';

/** A position in a checkpoint on the inbox and in the device's log. */
export class StoredPosition<M> implements KeptPosition {
  readonly log: TimelineId;
  readonly #context: Context<M>;
  readonly #identity: DeviceIdentity;
  readonly #log: DeviceLog<M>;
  readonly #records: PageRecords<M>;
  readonly #hashesFor: (secret: string) => NameHashes;

  constructor(
    context: Context<M>,
    identity: DeviceIdentity,
    log: DeviceLog<M>,
    records: PageRecords<M>,
    hashesFor: (secret: string) => NameHashes,
  ) {
    this.log = log.id;
    this.#context = context;
    this.#identity = identity;
    this.#log = log;
    this.#records = records;
    this.#hashesFor = hashesFor;
  }

  async open(readHeads: ReadHeads): Promise<OpenedPosition> {
    const { user, device, start } = this.#identity;
    const heads = () => readHeads(followedOf(this.#log.conversations));
    const [[inbox], first] = await Promise.all([
      this.#context.sync.checkpoints([{ timeline: user, reader: readerOf.device(device) }]),
      heads(),
    ]);
    const last = lastOf(start);
    if (inbox === undefined && last !== undefined && !this.#log.isKnown && first.deviceLog === 0n) {
      await this.rebuild({ last, isResync: false });
      return this.open(readHeads);
    }
    const isChanged = await this.#log.refresh(first.deviceLog);
    const position = {
      inbox: furtherInbox(inbox, this.#log.inbox) ?? (this.#log.isKnown ? 0n : undefined),
      conversations: new Map(this.#log.conversations),
      isComplete: this.#log.isComplete,
    };
    const { secret } = first;
    const sign = signerFor(secret, [user, device]);
    const cursors = new StoredCursors(this.#log, this.#records, this.#hashesFor(secret), sign);
    return { position, heads: isChanged ? await heads() : first, cursors };
  }

  async refresh({ deviceLog }: StreamHeads): Promise<void> {
    await this.#log.refresh(deviceLog);
  }

  /** Begins a new generation of the device's state. */
  async rebuild({ last, isResync }: { readonly last: number; readonly isResync: boolean }): Promise<void> {
    const { user, device } = this.#identity;
    const { inbox, conversations } = await rebuild(this.#context, user, last);
    const record = { generation: this.#log.generation + 1, conversations, isComplete: true } as const;
    await this.#log.add({ ...record, ...(isResync && { resync: true }) });
    const checkpoint = { timeline: user, reader: readerOf.device(device) };
    if (inbox > 0n) await advanceOrReset(this.#context.sync, { ...checkpoint, to: inbox });
  }
}
