/** Sent by the chat server's process to its parent. */
export interface ChatServerMessage {
  readonly type: 'ready';
  readonly port: number;
}
