import type { Appender } from './append.js';
import { checkOnUndecodable, type Decoder } from './decode.js';
import type { StandardSchemaV1 } from './schema.js';
import type { Session } from './session.js';
import type { Tails } from './tails.js';
import type { Codec } from './types.js';
import type { Decoding, OnUndecodable } from './undecodable.js';

/** State shared by all handles of one store. */
export interface StoreParts<M> {
  readonly session: Session;
  readonly appender: Appender<M>;
  readonly tails: Tails<M>;
  readonly codec: Codec<M>;
  readonly schema: StandardSchemaV1<unknown, M> | undefined;
  readonly onUndecodable: OnUndecodable<M>;
}

/** Returns the decoder of one operation: its `onUndecodable`, else the store's. */
export function decoderOf<M>({ codec, onUndecodable }: StoreParts<M>, options: Decoding<M>): Decoder<M> {
  return { codec, onUndecodable: checkOnUndecodable(options.onUndecodable) ?? onUndecodable };
}
