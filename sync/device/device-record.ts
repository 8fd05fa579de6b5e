import type { Cursor } from '../../src/index.js';
import type { EncodedPositions } from './conversation-position.js';

/** A change of a device's position, or with `compacts` the whole position. */
export interface DeviceRecord {
  readonly generation: number;
  /** See `DeviceLog`; absent for 0. A record of before the device was forgotten does not count. */
  readonly forgottenAt?: string;
  /** The inbox position acknowledged together with the conversation positions. */
  readonly inbox?: Cursor | undefined;
  /** SeqId up to which the inbox had been acknowledged, where the record has no inbox position or an older one. */
  readonly inboxBefore?: string;
  readonly places?: EncodedPositions;
  /** See `StreamPosition`. */
  readonly isComplete?: true;
  /** The first record of a generation: of several processes that begin it at the same time, the first counts. */
  readonly begins?: true;
  /** A resync began this generation, and {@link told} is still to come. */
  readonly resync?: true;
  /** `LibrarySettings.life` when it was written. */
  readonly life: number;
  /** The device has acknowledged a page that tells of the resync, or there was none. */
  readonly told?: true;
  /** Holds what all records before it held, but for positions that were over by the compaction before this one. */
  readonly compacts?: true;
  /** SeqId of the compaction by which all positions that are left out by now were over. */
  readonly removedThrough?: string;
}

/** Ends all records before it. */
export interface ForgottenRecord {
  readonly forgotten: true;
}

/** A position to record. */
export type NewDeviceRecord = Omit<DeviceRecord, 'forgottenAt' | 'begins' | 'compacts' | 'removedThrough'>;
