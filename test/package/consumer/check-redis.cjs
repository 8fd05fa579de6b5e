// Appends and reads on a real server: the scripts come from the installed package.
const assert = require('node:assert/strict');

/**
 * @param {typeof import('timeline-model').openTimelineStore} openTimelineStore
 * @param {typeof import('timeline-model/redis').redisAdapter} redisAdapter
 * @param {import('ioredis').Redis} client
 * @param {string} prefix
 */
exports.checkRedis = async (openTimelineStore, redisAdapter, client, prefix) => {
  const store = await openTimelineStore({ adapter: redisAdapter(client, { prefix }), name: 'notes' });
  const { seqId } = await store.timeline('a').append('one', { key: 'k' });
  const again = await store.timeline('a').append('one', { key: 'k' });
  assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
  assert.equal((await store.timeline('a').get(seqId))?.message, 'one');
  await store.close();
  client.disconnect();
};
