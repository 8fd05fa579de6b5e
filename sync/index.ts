export { createSync } from './create-sync.js';
export { timelineDirectory } from './members/timeline-directory.js';
export { type HybridOptions, hybridDiffusion, readDiffusion, writeDiffusion } from './modes/diffusion.js';
export type * from './types.js';
