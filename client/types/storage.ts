/** An outgoing message as a storage keeps it: plain data, which can be cloned. */
export interface StoredOutgoing {
  /** Unique in the storage. */
  readonly key: string;
  /** Name of the conversation. */
  readonly conversation: string;
  /** `send`: a message or reaction. */
  readonly kind: 'send' | 'edit' | 'recall';
  /** Decimal SeqId of the message that it changes or relates to. */
  readonly target?: string | undefined;
  /** The body of a message or edit. */
  readonly body?: unknown;
  /** Names of the users that it mentions. */
  readonly mentions?: readonly string[] | undefined;
  /** `false`: not counted. */
  readonly countable?: boolean | undefined;
  /** Milliseconds since 1970 at which `send` was called, at least 1 more than of the item before it: their order. */
  readonly sentAt: number;
  /** The refusal, if the server refused it. */
  readonly refused?: { readonly code?: string; readonly status?: number; readonly detail?: string } | undefined;
}

/** A place for outgoing messages that survives the page or process; see `indexedDbStorage`. */
export interface ChatStorage {
  /** Opens it. Called once by each client. */
  open(): Promise<OpenChatStorage>;
}

/** An open storage. Its calls take effect in their order. */
export interface OpenChatStorage {
  /** Resolves with everything kept, in any order. */
  all(): Promise<readonly StoredOutgoing[]>;
  /** Keeps one, in place of another with the same key. */
  put(item: StoredOutgoing): Promise<void>;
  /** Removes one, if it is there. */
  remove(key: string): Promise<void>;
  /** Where several clients share the storage, such as the tabs of a browser: chooses the one that is connected. */
  readonly tabs?: ChatTabs | undefined;
  /** Closes it, and gives up the lead. */
  close(): void;
}

/** Tabs that share a storage. One of them leads: it alone is connected, and passes on what arrives. */
export interface ChatTabs {
  /** Joins the others. `hear` gets what they post. Resolves once this tab leads. */
  join(hear: (message: unknown) => void): Promise<void>;
  /** Sends a value to all other tabs. */
  post(message: unknown): void;
}
