-- The state of a Timeline as its key holds it, in one string:
--
--   at last keysPeriod epoch first firstAt floor flags lineage
--
-- timeline-state.ts reads the same text in TypeScript; docs/redis.md explains the fields. One string for each Timeline
-- lets one MGET read the heads of many. `at` is padded to AT_WIDTH digits, `keysPeriod` has PERIOD_WIDTH characters and
-- an epoch begins with a replication id of fixed length, so that appends split the text at known places.
--include scripts/replication-id.lua

-- Digits of a time: any integer that JavaScript holds without loss.
local AT_WIDTH = 16
local PERIOD_WIDTH = 8
-- The `keysPeriod` of a Timeline that may have no idempotency keys.
local NO_PERIOD = '--------'
-- A Timeline with a larger body has the flag `l`. A read of 1000 smaller ones answers 8 MiB at most.
local LARGE_BODY_BYTES = 8192

local function padTime(at)
  return string.rep('0', AT_WIDTH - #at) .. at
end

local function parseState(text)
  local state = {}
  state.at, state.last, state.keysPeriod, state.epoch, state.first, state.firstAt, state.floor, state.flags,
    state.lineage = string.match(text, '^0*(%d+) (%d+) (%S+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+)$')
  if not state.epoch then error('FOREIGN the state of the Timeline is not readable') end
  return state
end

local function formatState(state)
  return padTime(state.at) .. ' ' .. state.last .. ' ' .. state.keysPeriod .. ' ' .. state.epoch .. ' ' .. state.first
    .. ' ' .. state.firstAt .. ' ' .. state.floor .. ' ' .. state.flags .. ' ' .. state.lineage
end
