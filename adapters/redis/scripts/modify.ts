import { EXPIRE } from './expire.js';
import { script } from './script.js';
import { LARGE, STATE_AND_LIFE } from './state.js';

/**
 * Updates or deletes one entry, in the overlay that lies beside the stream: a stream's entries cannot be changed. ARGV:
 * a name for a new epoch, the cutoff of expiry or '', the latest time that is not of the future, the time to give to
 * what is, the SeqId, the revision it must have or '', `t` or `b` and the new body, or `d` for a deletion. Answers the
 * state, the row and the new revision; or the present revision as text, if it is not the one asked for; or nothing, if
 * there is no such entry.
 */
export const MODIFY = script(`${STATE_AND_LIFE}${EXPIRE}
local born, cutoff, latest, now = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local seq, wanted, kind, body = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local keys = siblings(KEYS[1])
local st = load(keys, born, life())
if not st then return false end
if cutoff then expire(keys, st, cutoff, latest, now) end
save(keys, st)
if not less(st.floor, seq) then return false end
local row = redis.call('XRANGE', keys.stream, '0-' .. seq, '0-' .. seq)[1]
if not row then return false end
local _, at = seqOf(row)
if not has(st, 'u') then redis.call('UNLINK', keys.overlay) end
local present = redis.call('HGET', keys.overlay, seq)
local state, revision = 't', '0'
if present then state, revision = string.match(present, '^(.)(%d+):') end
if state == 'd' then return false end
if wanted ~= '' and wanted ~= revision then return revision end
revision = successor(revision)
redis.call('HSET', keys.overlay, seq, kind .. revision .. ':' .. body)
put(st, 'u', true)
if #body > ${LARGE} then put(st, 'l', true) end
save(keys, st)
return { format(st), row[2][1], revision }
`);
