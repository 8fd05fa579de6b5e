import { script } from './script.js';
import { LIFE } from './state.js';

/**
 * What stands and what time it is. KEYS: the settings. Answers their text, and the seconds and microseconds of the
 * server where the user may ask.
 */
export const LOOK = script(`
local time = redis.pcall('TIME')
return { redis.call('GET', KEYS[1]) or '', time[1] or '', time[2] or '' }
`);

/** KEYS: a registry. Answers the life of its server and how many Timelines are listed. */
export const COUNT_LISTED = script(`${LIFE}
return life() .. ' ' .. redis.call('ZCARD', KEYS[1])
`);
