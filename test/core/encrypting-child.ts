/** Appends an encrypted message with a key to a library in a SQLite file, and prints the result: `FILE KEY TEXT`. */
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { isTimelineError, openTimelineStore } from '../../src/index.js';
import { encrypting, TEST_KEY } from '../support/encrypting.js';

const [file = '', key = '', text = ''] = process.argv.slice(2);
const store = await openTimelineStore<{ text: string }>({
  adapter: sqliteAdapter(file),
  name: 'chat',
  codec: encrypting(TEST_KEY),
});
try {
  const { seqId, duplicate } = await store.timeline('group').append({ text }, { key });
  console.log(`${seqId} ${duplicate}`);
} catch (error) {
  console.log(isTimelineError(error) ? error.code : String(error));
}
await store.close();
