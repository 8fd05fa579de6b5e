import { script } from './script.js';

/**
 * Sets positions wherever they stand. KEYS: the checkpoints of one Timeline. ARGV: reader and position of each, '' to
 * forget it.
 */
export const SET_CHECKPOINTS = script(`
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
`);
