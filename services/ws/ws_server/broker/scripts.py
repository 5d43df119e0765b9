"""The Lua scripts for streams, presence and replicas in Redis. Text only.

Each is one atomic step. Times come from Redis, so the clocks of the replicas do not matter.
"""

_EPOCH = """
local function stream_epoch(meta, stream, new, life)
  local known = redis.call('HMGET', meta, 'e', 'l')
  if known[1] and known[2] == life then return known[1] end
  redis.call('DEL', meta, stream)
  redis.call('HSET', meta, 'e', new, 'l', life)
  return new
end
"""
"""The epoch of a stream, which begins anew when its entries outlived what says where it ends, or in
a Redis that may have forgotten some of it: it would give the same offsets twice."""

PUBLISH = (
    _EPOCH
    + """
local meta, stream, known, before = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local topic, payload, size, ttl, meta_ttl, epoch, life, key_ttl, ends = unpack(ARGV)
local version, versions = ARGV[10], ARGV[11]
if known then
  local place = redis.call('GET', known)
  if place then return place end
  if before and redis.call('EXISTS', before) == 0 then
    return redis.error_reply('EARLY: what comes before it was not published')
  end
  if ends ~= '' and tonumber(redis.call('TIME')[1]) >= tonumber(ends) then
    return redis.error_reply('LATE: its key may have been forgotten')
  end
end
local offset, place = 0, '0:'
if tonumber(size) > 0 then
  epoch = stream_epoch(meta, stream, epoch, life)
  if version ~= '' then
    local last = redis.call('HMGET', meta, 'v', 've', 'o')
    if last[1] and last[2] == versions and tonumber(last[1]) >= tonumber(version) then
      return (last[3] or '0') .. ':' .. epoch
    end
  end
  offset = redis.call('HINCRBY', meta, 'o', 1)
  local added = redis.pcall('XADD', stream, 'MAXLEN', size, offset .. '-0', 'p', payload)
  if added.err then
    redis.call('HINCRBY', meta, 'o', -1)
    return added
  end
  if version ~= '' then redis.call('HSET', meta, 'v', version, 've', versions) end
  redis.call('PEXPIRE', stream, ttl)
  redis.call('PEXPIRE', meta, meta_ttl)
  place = offset .. ':' .. epoch
end
if known then redis.call('SET', known, place, 'PX', key_ttl) end
redis.call('PUBLISH', topic, 'p' .. place .. ':' .. payload)
return place
"""
)
"""KEYS: meta, stream, the key if there is one, and that of what comes before it. ARGV: topic,
payload, size, ttl, meta_ttl, epoch, life, key_ttl, the time from which a publication with a key is
refused in seconds or '', the number and the epoch of its version or ''."""

HISTORY = (
    _EPOCH
    + """
local meta, stream = KEYS[1], KEYS[2]
local from, to, count, reverse, epoch, life, empty_ttl, most = unpack(ARGV)
epoch = stream_epoch(meta, stream, epoch, life)
local top = redis.call('HGET', meta, 'o')
if not top then
  redis.call('PEXPIRE', meta, empty_ttl)
  top = '0'
end
local found = {}
if count ~= '0' then
  if reverse == '1' then found = redis.call('XREVRANGE', stream, to, from, 'COUNT', count)
  else found = redis.call('XRANGE', stream, from, to, 'COUNT', count) end
end
local size = 0
for place, entry in ipairs(found) do
  size = size + #entry[2][2]
  if size > tonumber(most) then
    for last = #found, place, -1 do found[last] = nil end
    return {top .. ':' .. epoch, found, 1}
  end
end
return {top .. ':' .. epoch, found, 0}
"""
)
"""KEYS: meta, stream. ARGV: first and last offset, count, 1 for reverse, epoch, life, empty_ttl,
maximum bytes of payload. Returns the position, the entries, and 1 if that maximum cut some off."""

ENTER = """
local present, mine = KEYS[1], KEYS[2]
local client, info, topic, member, announce = unpack(ARGV)
local is_new = redis.call('HSET', present, client, info)
redis.call('SADD', mine, member)
if announce == '1' and is_new == 1 then redis.call('PUBLISH', topic, 'j' .. info) end
return is_new
"""
"""KEYS: present, the replica's own members. ARGV: client, info, topic, member, 1 to announce."""

EXIT = """
local present, mine = KEYS[1], KEYS[2]
local client, topic, member, announce = unpack(ARGV)
local info = redis.call('HGET', present, client)
redis.call('SREM', mine, member)
if not info then return 0 end
redis.call('HDEL', present, client)
if announce == '1' then redis.call('PUBLISH', topic, 'l' .. info) end
return 1
"""
"""KEYS: present, the replica's own members. ARGV: client, topic, member, 1 to announce."""

BEAT = """
local replicas = KEYS[1]
local own, lifetime, reaped, may_reap = unpack(ARGV)
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
if reaped ~= '' then redis.call('ZREM', replicas, reaped) end
local is_new = redis.call('ZADD', replicas, now + lifetime, own)
if may_reap ~= '1' then return {is_new, ''} end
local dead = redis.call('ZRANGE', replicas, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1)
if #dead == 0 then return {is_new, ''} end
redis.call('ZADD', replicas, now + lifetime, dead[1])
return {is_new, dead[1]}
"""
"""KEYS: the replicas by the end of their life.

ARGV: own name, lifetime in ms, reaped name or '', 1 if another may be reaped.

Returns 1 if the own name was unknown, and the name of one dead replica or ''. Only one caller gets
that name, and must remove its members; if the caller dies, another one gets it.
"""

STANDING = """
local standing = KEYS[1]
local message, ends, topic = unpack(ARGV)
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZADD', standing, ends, message)
redis.call('ZREMRANGEBYSCORE', standing, '-inf', now)
redis.call('PUBLISH', topic, message)
return 1
"""
"""KEYS: control messages by their end. ARGV: message, its end in ms, topic."""
