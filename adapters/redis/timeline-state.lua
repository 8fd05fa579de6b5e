-- The state of a Timeline as its key holds it, in one string:
--
--   last at epoch first firstAt floor flags lineage
--
-- timeline-state.ts reads the same text in TypeScript; docs/redis.md explains the fields. One string for each Timeline
-- lets one MGET read the heads of many. Every append changes `last` and `at`, so they stand in front; `at` is padded to
-- AT_WIDTH digits and an epoch begins with a replication id of fixed length, so that the fast path splits the text at
-- fixed offsets.
--include scripts/replication-id.lua

-- Digits of a time: any integer that JavaScript holds without loss.
local AT_WIDTH = 16
-- A Timeline with a larger body has the flag `l`. A read of 1000 smaller ones answers 8 MiB at most.
local LARGE_BODY_BYTES = 8192

local function padTime(at)
  return string.rep('0', AT_WIDTH - #at) .. at
end

local function parseState(text)
  local state = {}
  state.last, state.at, state.epoch, state.first, state.firstAt, state.floor, state.flags, state.lineage =
    string.match(text, '^(%d+) 0*(%d+) (%S+) (%d+) (%d+) (%d+) (%S+) (%S+)$')
  if not state.epoch then error('FOREIGN the state of the Timeline is not readable') end
  return state
end

local function formatState(state)
  return state.last .. ' ' .. padTime(state.at) .. ' ' .. state.epoch .. ' ' .. state.first .. ' ' .. state.firstAt
    .. ' ' .. state.floor .. ' ' .. state.flags .. ' ' .. state.lineage
end

-- Returns `last`, the padded `at`, the replication id in the epoch, and the text behind `at`; nothing if the text holds
-- no space. Cheaper than parseState: patterns cost more than all else that an append does.
local function splitState(text)
  local space = string.find(text, ' ', 1, true)
  if not space then return end
  local sub, epoch = string.sub, space + AT_WIDTH + 2
  return sub(text, 1, space - 1), sub(text, space + 1, epoch - 2), sub(text, epoch, epoch + REPLICATION_ID_LENGTH - 1),
    sub(text, epoch - 1)
end

-- Joins the parts that splitState returns. `at` is padded.
local function joinState(last, at, rest)
  return last .. ' ' .. at .. rest
end
