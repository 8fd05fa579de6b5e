/** A message of the measured traffic, as it is sent. */
export interface SentMessage {
  readonly conversation: string;
  readonly sender: string;
  /** Place among the messages of its sender in the conversation, from 0. */
  readonly number: number;
}

/** Called with each message that the application gets. `position` rises within a conversation, where there is one. */
export type OnSeen = (message: SentMessage, position: bigint | undefined) => void;

/** A client of one user, connected through a network that fails. */
export interface Participant {
  /** Resolves once it has been connected for the first time. */
  readonly connected: Promise<unknown>;
  /** The number of messages that the server has not confirmed yet. */
  readonly pending: number;
  send(message: SentMessage): void;
  close(): void;
}

/** Conversations by name, with their members. */
export type Conversations = ReadonlyMap<string, readonly string[]>;

export interface JoinOptions {
  /** Address of the client's network. */
  readonly url: string;
  readonly user: string;
  /** Place among the clients, from 0. */
  readonly index: number;
  readonly onSeen: OnSeen;
}

/** A server with its client. */
export interface Contender {
  readonly name: string;
  /** The program of a server process: its argument is a {@link ServerPlace} as JSON. */
  readonly script: string;
  /** Makes the members known to a running server. */
  prepare(url: string, conversations: Conversations): Promise<void>;
  join(options: JoinOptions): Participant;
}

/** The place of a server's data. */
export type StorePlace =
  | { readonly store: 'memory' }
  | { readonly store: 'sqlite'; readonly file: string }
  | { readonly store: 'redis'; readonly port: number };

/** The argument of a server process. */
export interface ServerPlace {
  readonly place: StorePlace;
  readonly conversations: Readonly<Record<string, readonly string[]>>;
}
