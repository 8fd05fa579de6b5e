import type { MessageSync } from '../../sync/index.js';
import type { CheckedOptions } from '../options.js';
import type { Permissions } from '../permissions.js';
import type { OpenStreams } from '../streams/open-streams.js';

/** Parts of a gateway that its routes use. */
export interface Services<M> {
  readonly sync: MessageSync<M>;
  readonly options: CheckedOptions;
  readonly permissions: Permissions<M>;
  readonly streams: OpenStreams;
}

/** An authenticated request. */
export interface Call<M> extends Services<M> {
  readonly request: Request;
  readonly url: URL;
  readonly user: string;
  readonly device: string | undefined;
  /** Decoded segments of the path for which the route has `:`. */
  readonly params: Readonly<Record<string, string>>;
  /** Counts up to `most` further sends of the user. Returns the number that the limit allows. */
  readonly takeSends: (most: number) => number;
}

export interface Route<M> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `:` before the names of parameters. */
  readonly path: string;
  /** Counts as a send. */
  readonly isSend?: boolean;
  answer(call: Call<M>): Promise<Response>;
}
