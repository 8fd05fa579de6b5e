-- Reads the settings of a library and the time of the server.
--
-- KEYS    the settings
-- answer  their text, or '' if there are none; seconds and microseconds, or '' where the user may not ask for the time
-- caller  LibrarySettings in library-settings.ts
local time = redis.pcall('TIME')
return { redis.call('GET', KEYS[1]) or '', time[1] or '', time[2] or '' }
