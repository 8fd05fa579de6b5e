import type { ChatStorage } from './storage.js';

/**
 * `offline`: no connection; the next attempt follows by itself. `connecting`: an attempt is under way. `catching-up`:
 * connected, and entries from before are arriving. `live`: everything that existed has arrived. `closed`: for ever.
 */
export type ChatState = 'offline' | 'connecting' | 'catching-up' | 'live' | 'closed';

/** Options of `connectChat`. */
export interface ChatOptions {
  /**
   * Name of this device, unique among those of the user. The server then keeps its position: what arrives while it is
   * away, comes when it is back. Default: none; the client keeps its position in memory and begins with what is new.
   */
  readonly device?: string | undefined;
  /** Token of the user, or a function that returns one. It is called again after an answer 401. Default: no token. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Keeps unsent messages when the page or process ends, see `indexedDbStorage`. Default: they are kept in memory. */
  readonly storage?: ChatStorage | undefined;
  /**
   * How entries arrive. Default `auto`: by server-sent events, and by WebSocket where these do not get through and
   * there is a `WebSocket`.
   */
  readonly transport?: 'auto' | 'sse' | 'websocket' | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Default: the global `WebSocket`. Node 20 has none: pass that of the package `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** Number of messages in a page of history. Default 50. */
  readonly pageSize?: number | undefined;
  /** Milliseconds after which a request, or an attempt to connect, without an answer has failed. Default 15,000. */
  readonly timeoutMs?: number | undefined;
  /** Longest pause before a reconnection or a repetition, in milliseconds. Default 5,000. */
  readonly maxPauseMs?: number | undefined;
  /** Returns numbers from 0 to below 1, which spread reconnections in time. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** A WebSocket of the browser, or of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

/** The part of a WebSocket that the client uses. */
export interface WebSocketLike {
  /** Called when the connection stands. */
  onopen: ((event: never) => void) | null;
  /** Called with each frame. */
  onmessage: ((event: never) => void) | null;
  /** Called at the end of the connection, with its code. */
  onclose: ((event: never) => void) | null;
  /** Called with a failure; `onclose` follows. */
  onerror: ((event: never) => void) | null;
  /** Sends a text frame. */
  send(data: string): void;
  /** Ends the connection. */
  close(code?: number, reason?: string): void;
}
