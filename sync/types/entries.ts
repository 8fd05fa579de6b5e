/** `write`: each message is copied to the members' inboxes. `read`: devices read it from the conversation. */
export type Mode = 'write' | 'read';

/**
 * An entry of the store library. A conversation's Timeline holds messages and, between them, changes of messages,
 * members and mode. SeqIds are decimal strings.
 */
export type Stored<M> =
  | StoredMessage<M>
  | {
      /** The message `target` has another body from here on. */
      readonly kind: 'edit';
      /** Sender of the message. */
      readonly sender: string;
      /** SeqId of the message. */
      readonly target: string;
      /** The new body. Absent: the message was recalled since. */
      readonly body?: M;
      /** Name of the user who edited it. */
      readonly by?: string;
    }
  | {
      /** The message `target` was recalled. */
      readonly kind: 'recall';
      /** Sender of the message. */
      readonly sender: string;
      /** SeqId of the message. */
      readonly target: string;
      /** Name of the user who recalled it. */
      readonly by?: string;
    }
  | {
      /** The users became members, or left. */
      readonly kind: 'join' | 'leave';
      /** At most 500 names. */
      readonly users: readonly string[];
      /** Name of the user who added or removed them. */
      readonly by?: string;
      /** For a leave, once it is in force: the memberships that it ended, if the directory knows them. */
      readonly ended?: readonly EndedMembership[];
    }
  | {
      /** Later messages are delivered in another mode. */
      readonly kind: 'mode';
      /** The new mode. */
      readonly mode: Mode;
    }
  | {
      /** A record of the library itself, in a Timeline whose id has several parts. */
      readonly kind: 'state';
      /** JSON value in a format of the library. */
      readonly state: unknown;
    };

/** A membership that a leave ended. SeqIds are decimal strings. */
export interface EndedMembership {
  /** Name of the user. */
  readonly user: string;
  /** The SeqId after which the user saw the conversation. */
  readonly from: string;
  /** SeqId of the user's leave before; `0` for none. */
  readonly leftBefore: string;
}

/** A message in the history: it has the body of its newest edit, and no body once it is recalled. */
export interface StoredMessage<M> {
  /** Tells a message from other entries. */
  readonly kind: 'message';
  /** Name of the user who sent it. */
  readonly sender: string;
  /** Absent: the message was recalled. */
  readonly body?: M;
  /** SeqId of the edit that `body` comes from. */
  readonly edited?: string;
  /** SeqId of the recall. */
  readonly recalled?: string;
  /** `false`: not counted as unread, and never a conversation's last message. Absent: counted. */
  readonly countable?: false;
  /** SeqId of the message that this one relates to. */
  readonly relatesTo?: string;
  /** Names of the users that the message mentions, each once. */
  readonly mentions?: readonly string[];
}

/** An entry of an inbox in the sync library. SeqIds are decimal strings. */
export type Synced<M> =
  | {
      /** Copy of a message, or of a change of one. */
      readonly kind: 'message' | 'edit' | 'recall';
      /** Conversation that it comes from. */
      readonly conversation: string;
      /** SeqId of the entry in the conversation. */
      readonly seqId: string;
      /** Name of the user who sent the message. */
      readonly sender: string;
      /** Milliseconds since 1970 at which the conversation got the entry. */
      readonly sentAt: number;
      /** For `edit` and `recall`: SeqId of the message. */
      readonly target?: string;
      /** For `edit` and `recall`: name of the user who changed the message. */
      readonly by?: string;
      /** For `message`: as in {@link StoredMessage}. */
      readonly countable?: false;
      /** For `message`: as in {@link StoredMessage}. */
      readonly relatesTo?: string;
      /** For `message`: as in {@link StoredMessage}. */
      readonly mentions?: readonly string[];
      /** The body of a message. Absent, as in every edit: devices take it from the conversation. */
      readonly body?: M;
      /** The conversation's entry did not decode when this was written: look up kind, sender and target there. */
      readonly undecodable?: true;
    }
  | {
      /** Marks a change of mode, or a join. */
      readonly kind: 'mode';
      /** `read`: devices follow the conversation's own Timeline. `write`: they follow it up to `seqId`, if at all. */
      readonly mode: Mode;
      /** Conversation whose mode it is. */
      readonly conversation: string;
      /** Epoch of the conversation. */
      readonly epoch: string;
      /** SeqId of the change of mode, or of the join. */
      readonly seqId: string;
      /**
       * For `read`: SeqId after which a new member sees the conversation; absent for a change of mode, which begins at
       * `seqId`. For `write`: SeqId since which the conversation was in read mode.
       */
      readonly from?: string;
    }
  | {
      /** Entries were trimmed or have expired before this inbox got them. */
      readonly kind: 'truncated';
      /** Conversation that lost them. */
      readonly conversation: string;
      /** Epoch of the conversation. */
      readonly epoch: string;
      /** SeqId of the last one that is gone. */
      readonly seqId: string;
      /** SeqId after which they are gone. */
      readonly from: string;
    }
  | {
      /** The user has read up to `seqId` on some device. */
      readonly kind: 'read';
      /** Conversation that was read. */
      readonly conversation: string;
      /** SeqId of the last entry read. */
      readonly seqId: string;
      /** Cursor of that entry: the read position to advance to. */
      readonly position: string;
    }
  | {
      /** Users became members of the conversation, or left. */
      readonly kind: 'join' | 'leave';
      /** Conversation that it comes from. */
      readonly conversation: string;
      /** SeqId of the entry in the conversation. */
      readonly seqId: string;
      /** Names of these users. */
      readonly users: readonly string[];
      /** Name of the user who added or removed them. */
      readonly by?: string;
      /** Milliseconds since 1970 at which the conversation got the entry. */
      readonly sentAt: number;
    }
  | {
      /** A member has read messages of the inbox's user, up to `seqId`. */
      readonly kind: 'receipt';
      /** Conversation that was read. */
      readonly conversation: string;
      /** SeqId of the last entry read. */
      readonly seqId: string;
      /** Name of the member who read it. */
      readonly reader: string;
      /** Cursor of that entry. */
      readonly position: string;
    }
  | {
      /** The user has changed settings of a conversation on some device. */
      readonly kind: 'settings';
      /** Conversation whose settings they are. */
      readonly conversation: string;
      /** SeqId of the change among the user's settings: the highest counts. */
      readonly seqId: string;
      /** The settings after the change. */
      readonly settings: ConversationSettings;
    };

/** A user's settings of one conversation, the same on all devices. */
export interface ConversationSettings {
  /** The user wants no notifications. Default `false`. */
  readonly muted: boolean;
  /** The user has put the conversation away. Default `false`. */
  readonly archived: boolean;
  /** The conversation stands before all that are not pinned. Default `false`. */
  readonly pinned: boolean;
}
