local REPLICATION_ID_LENGTH = 10

-- Returns the first digits of the server's replication id. A server that starts again or takes over from another has a
-- different one. Returns zeros where the user may not ask, so that all servers count as one.
local function replicationId()
  local info = redis.pcall('INFO', 'replication')
  local found = type(info) == 'string' and string.find(info, 'master_replid:', 1, true)
  return found and string.sub(info, found + 14, found + 13 + REPLICATION_ID_LENGTH)
    or string.rep('0', REPLICATION_ID_LENGTH)
end
