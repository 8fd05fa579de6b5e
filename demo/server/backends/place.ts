/** Says where a store's data are, for a process that opens it. */
export type Place =
  | { readonly store: 'memory' }
  | { readonly store: 'sqlite'; readonly file: string }
  /** `address`: a URL, or the path of a socket. */
  | { readonly store: 'redis'; readonly address: string }
  | {
      readonly store: 'tablestore';
      readonly endpoint: string;
      readonly instanceName: string;
      readonly accessKeyId: string;
      readonly accessKeySecret: string;
    };

/** A store's data, which outlive the chat server. */
export interface Backend {
  readonly place: Place;
  /** Ends what was started, and removes the data if they are temporary. */
  close(): Promise<void>;
}
