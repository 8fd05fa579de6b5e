export type * from './types/device.js';
export type * from './types/directory.js';
export type * from './types/entries.js';
export type * from './types/list.js';
export type * from './types/message-sync.js';
export type * from './types/messages.js';
export type * from './types/options.js';
export type * from './types/truncated.js';
