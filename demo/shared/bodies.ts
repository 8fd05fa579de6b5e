/** The body of a message of the demo. */
export interface Body {
  readonly text: string;
  /** The message is a reaction to the one that it relates to: an emoji, or `''` to take it back. */
  readonly reaction?: string;
  /** Milliseconds since 1970 at which an imported message was written. Default: the time at which it was sent. */
  readonly at?: number;
  /** "Ada waves" rather than "Ada: waves". */
  readonly action?: true;
}
