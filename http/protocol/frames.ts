import type { WireMessage, WireSignal } from './messages.js';
import type { Problem } from './problem.js';

/**
 * A frame from the server. SSE: lines `event:`, `id:` and `data:` (JSON); the heartbeat is a comment. WebSocket: this
 * object as JSON.
 */
export type Frame<M> =
  | {
      /** First frame of each stream. */
      readonly event: 'ready';
      /** Facts of the stream. */
      readonly data: {
        /** Name of the user. */
        readonly user: string;
        /** Absent: the client named none. */
        readonly device?: string;
        /** Where the position is kept; see {@link MessageFrame}. */
        readonly position: 'server' | 'client';
        /** Something comes at least this often. Connect again after twice the time. */
        readonly heartbeatMs: number;
      };
    }
  | MessageFrame<M>
  | {
      /** A member has sent a signal. */
      readonly event: 'signal';
      /** The signal. */
      readonly data: WireSignal;
    }
  | {
      /** All that existed has come. Once in a stream. */
      readonly event: 'caught-up';
      /** Nothing. */
      readonly data: Readonly<Record<string, never>>;
      /** The position so far. Absent: there is none yet. */
      readonly id?: string;
    }
  | {
      /** The messages that follow replace all that the client shows. */
      readonly event: 'resync';
      /** Nothing. */
      readonly data: Readonly<Record<string, never>>;
    }
  | {
      /** Last frame of a stream that the server ends. */
      readonly event: 'closing';
      /** The reason. */
      readonly data: Closing;
    }
  | {
      /** Heartbeat of a WebSocket. */
      readonly event: 'ping';
      /** Nothing. */
      readonly data: Readonly<Record<string, never>>;
    };

/**
 * A message. `id` is the position after it and all before it; a page has one on its last message only. A client that
 * loses the connection within a page gets the page again, and drops what it has; see {@link WireMessage}.
 *
 * Position kept by the client: `id` is the next `after` or `Last-Event-ID`. Kept by the server: `id` is what the client
 * acknowledges once it has stored the page, by an `ack` frame, `POST /ack` or `Last-Event-ID` of its next stream.
 */
export interface MessageFrame<M> {
  /** A message has come. */
  readonly event: 'message';
  /** The message. */
  readonly data: WireMessage<M>;
  /** The position after this message. Absent: the page goes on. */
  readonly id?: string;
}

/** Reason of the server for ending a stream. */
export interface Closing {
  /**
   * `drain`: the server shuts down. `slow`: the client did not read. `expired`: the stream has reached its age, and the
   * user has to be authenticated again. `failed`: a failure of the server, see `problem`. `refused`: a mistake of the
   * client, see `problem`.
   */
  readonly reason: 'drain' | 'slow' | 'expired' | 'failed' | 'refused';
  /** `true`: connect again, after a pause with jitter, and go on from the last position. */
  readonly resume: boolean;
  /** The error that ends the stream. */
  readonly problem?: Problem;
}

/** A frame from the client, on a WebSocket only: JSON text. */
export type ClientFrame =
  | {
      /** First frame, if neither a header, a cookie nor a subprotocol of the upgrade tells the user. */
      readonly type: 'auth';
      /** `authenticate` gets it as `Authorization: Bearer <token>`. */
      readonly token: string;
    }
  | {
      /** Acknowledges. Only where the server keeps the position. Acks in quick succession are stored as one. */
      readonly type: 'ack';
      /** `id` of a frame. */
      readonly cursor: string;
    }
  | {
      /** Passed on as by `POST /conversations/:id/signals`, but dropped without an answer if it is refused. */
      readonly type: 'signal';
      /** Name of the conversation. */
      readonly conversation: string;
      /** A JSON value of at most 16 KiB. */
      readonly body: unknown;
    };
