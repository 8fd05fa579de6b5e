-- Updates or deletes one entry, in the overlay beside the stream: the entries of a stream cannot be changed.
--
-- KEYS    the stream of a Timeline, in a Cluster followed by its state and overlay
-- ARGV    1: the suffix of a new epoch
--         2: entries of this time and before have expired; '' without a TTL
--         3: the latest time that is not of the future
--         4: the time that replaces one of the future
--         5: the SeqId
--         6: the revision that the entry must have, or ''
--         7, 8: `t` or `b` and the new body; `d` and '' for a deletion
-- answer  { state, name, revision }  the new state, the name of the entry's field, the new revision
--         revision                   the present one, if it is not the one asked for
--         false                      there is no such entry
-- caller  EntryChanges in change.ts
--include load-state.lua
--include expiry.lua
local epochSuffix, cutoff, latest, now = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local seqId, expected, kind, body = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local keys = keysOf(KEYS[1])
local state = loadState(keys, epochSuffix, replicationId())
if not state then return false end
if cutoff then expire(keys, state, cutoff, latest, now) end
saveState(keys, state)
if not less(state.floor, seqId) then return false end
local row = redis.call('XRANGE', keys.stream, '0-' .. seqId, '0-' .. seqId)[1]
if not row then return false end
-- Refuses the entry of another program.
entryIdOf(row)
-- Without the flag, an overlay is what a lost Timeline left.
if not hasFlag(state, 'u') then redis.call('UNLINK', keys.overlay) end
local version = redis.call('HGET', keys.overlay, seqId)
local presentKind, revision = 't', '0'
if version then presentKind, revision = string.match(version, '^(.)(%d+):') end
if presentKind == 'd' then return false end
if expected ~= '' and expected ~= revision then return revision end
revision = successor(revision)
redis.call('HSET', keys.overlay, seqId, kind .. revision .. ':' .. body)
setFlag(state, 'u', true)
if #body > LARGE_BODY_BYTES then setFlag(state, 'l', true) end
saveState(keys, state)
return { formatState(state), row[2][1], revision }
