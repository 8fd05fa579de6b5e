export { createSync } from './create-sync.js';
export { type HybridOptions, hybridDiffusion, readDiffusion, writeDiffusion } from './diffusion.js';
export { timelineDirectory } from './directory.js';
export type * from './types.js';
