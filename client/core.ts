import type { Backoff, BackoffHost } from './backoff.js';
import type { Requests } from './requests.js';

/**
 * State and calls that all parts of a chat share. Parts that are loaded on demand import no other module of the client
 * but their own: it would become a file of its own, with a request of its own.
 */
export interface Core extends Backoff, BackoffHost, Requests {
  /** Name of the user, once it is known. */
  user: string | undefined;
  /** The server has the position: pages read from now on and what arrives leave no gap. */
  isBegun: boolean;
}
