import { script } from './script.js';
import { CUT } from './settle.js';

/**
 * Updates or deletes one entry, in the overlay that lies beside the stream: a stream's entries cannot be changed. ARGV: a name for a new epoch,
 * the cutoff of expiry or '', the SeqId, the revision it must have or '', `t` or `b` and the new body, or `d` for a deletion. Answers the
 * state, the row and the new revision; or the present revision as text, if it is not the one asked for; or nothing, if there is no such entry.
 */
export const MODIFY = script(`${CUT}
local born, cutoff, seq, wanted, kind, body = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local keys = siblings(KEYS[1])
local st = load(keys, born, life())
if not st then return false end
if cutoff then expire(keys, st, cutoff) end
save(keys, st)
if not less(st.floor, seq) then return false end
local row = redis.call('XRANGE', keys.stream, '0-' .. seq, '0-' .. seq)[1]
if not row then return false end
local _, at = seqOf(row)
if st.flags ~= 'u' then redis.call('DEL', keys.overlay) end
local present = redis.call('HGET', keys.overlay, seq)
local state, revision = 't', '0'
if present then state, revision = string.match(present, '^(.)(%d+):') end
if state == 'd' then return false end
if wanted ~= '' and wanted ~= revision then return revision end
revision = successor(revision)
redis.call('HSET', keys.overlay, seq, kind .. revision .. ':' .. body)
st.flags, st.dirty = 'u', st.flags ~= 'u'
save(keys, st)
return { format(st), row[2][1], revision }
`);
