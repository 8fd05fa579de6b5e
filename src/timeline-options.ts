import { ABORTABLE, type OptionNames } from './options.js';
import type {
  Abortable,
  AppendManyOptions,
  AppendOptions,
  CountOptions,
  ReadRange,
  ScanOptions,
  SeqIdLike,
  SubscribeOptions,
} from './types.js';
import type { Decoding } from './undecodable.js';

export interface TrimOptions extends Abortable {
  readonly through?: SeqIdLike;
  readonly keepLast?: number;
}

export interface UpdateOptions extends Abortable {
  readonly ifRevision?: number | undefined;
}

export const READ_ONE: OptionNames<Abortable & Decoding<unknown>> = { ...ABORTABLE, onUndecodable: true };
export const RANGE: OptionNames<ReadRange> = { after: true, before: true, limit: true, reverse: true };
export const READ: OptionNames<ReadRange & Abortable & Decoding<unknown>> = { ...RANGE, ...READ_ONE };
export const SCAN: OptionNames<ScanOptions & Decoding<unknown>> = { ...READ, pageSize: true };
export const SUBSCRIBE: OptionNames<SubscribeOptions & Decoding<unknown>> = {
  ...READ_ONE,
  ...{ after: true, pageSize: true, onCaughtUp: true, onTruncated: true },
};
export const COUNT_RANGE: OptionNames<CountOptions> = { after: true, before: true, atMost: true };
export const COUNT: OptionNames<CountOptions & Abortable> = { ...COUNT_RANGE, ...ABORTABLE };
export const APPEND: OptionNames<AppendOptions> = { key: true, seqId: true, expectedLast: true, signal: true };
export const APPEND_MANY: OptionNames<AppendManyOptions> = { keys: true, expectedLast: true, signal: true };
export const UPDATE: OptionNames<UpdateOptions> = { ifRevision: true, signal: true };
export const TRIM: OptionNames<TrimOptions> = { through: true, keepLast: true, signal: true };
