export { createSync } from './create-sync.js';
export { membersOnly } from './members/members-only.js';
export { timelineDirectory } from './members/timeline-directory.js';
export { type HybridOptions, hybridDiffusion, readDiffusion, writeDiffusion } from './modes/diffusion.js';
export { openMessageSync } from './open-message-sync.js';
export type * from './types.js';
