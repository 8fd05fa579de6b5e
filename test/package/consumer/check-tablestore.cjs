// Appends and reads by the SDK over HTTP, against the emulator of the installed package.
const assert = require('node:assert/strict');
const { Agent } = require('node:http');

/**
 * @param {typeof import('timeline-model').openTimelineStore} openTimelineStore
 * @param {typeof import('timeline-model/tablestore').tablestoreAdapter} tablestoreAdapter
 * @param {typeof import('timeline-model/tablestore-emulator').startTablestoreEmulator} startTablestoreEmulator
 * @param {any} sdk
 */
exports.checkTablestore = async (openTimelineStore, tablestoreAdapter, startTablestoreEmulator, sdk) => {
  const emulator = await startTablestoreEmulator();
  const agent = new Agent({ keepAlive: true });
  const client = new sdk.Client({
    accessKeyId: emulator.accessKeyId,
    secretAccessKey: emulator.accessKeySecret,
    endpoint: emulator.endpoint,
    instancename: emulator.instanceName,
    httpOptions: { agent, timeout: 5000 },
    maxRetries: 0,
  });
  const store = await openTimelineStore({ adapter: tablestoreAdapter(client), name: 'notes' });
  const { seqId } = await store.timeline('a').append('one', { key: 'k' });
  const again = await store.timeline('a').append('one', { key: 'k' });
  assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
  assert.equal((await store.timeline('a').get(seqId))?.message, 'one');
  await store.close();
  agent.destroy();
  await emulator.close();
};
