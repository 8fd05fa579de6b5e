import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type TableStoreClient, tablestoreAdapter } from 'timeline-model/tablestore';
import { startTablestoreEmulator } from 'timeline-model/tablestore-emulator';
import { KEPT_MS } from './kept.js';
import type { OpenStore } from './open-store.js';
import { UsageError } from './usage-error.js';

const VARIABLES = {
  endpoint: 'TABLESTORE_ENDPOINT',
  instanceName: 'TABLESTORE_INSTANCE',
  accessKeyId: 'TABLESTORE_ACCESS_KEY_ID',
  accessKeySecret: 'TABLESTORE_ACCESS_KEY_SECRET',
} as const;

type Account = Record<keyof typeof VARIABLES, string>;

/** Opens the instance of the environment variables, or an emulator in this process without them. */
export async function openTablestore(environment: NodeJS.ProcessEnv): Promise<OpenStore> {
  const named = Object.values(VARIABLES).filter((name) => environment[name]);
  if (named.length === 0) {
    const emulator = await startTablestoreEmulator();
    return storeOn(emulator, 'of the emulator, gone at the end', () => emulator.close());
  }
  const missing = Object.values(VARIABLES).filter((name) => !environment[name]);
  if (missing.length > 0) throw new UsageError(`TableStore needs ${missing.join(', ')} too`);
  const value = (name: keyof Account) => environment[VARIABLES[name]] as string;
  const account: Account = {
    endpoint: value('endpoint'),
    instanceName: value('instanceName'),
    accessKeyId: value('accessKeyId'),
    accessKeySecret: value('accessKeySecret'),
  };
  if (!/^https?:\/\/./.test(account.endpoint))
    throw new UsageError(`${VARIABLES.endpoint} must be like https://INSTANCE.REGION.ots.aliyuncs.com`);
  return storeOn(account, `of ${VARIABLES.endpoint}, tables group_chat_*`, async () => {});
}

/** Uses dense, strict SeqIds for the history, and SeqIds of the service for the inboxes. */
async function storeOn(account: Account, note: string, end: () => Promise<void>): Promise<OpenStore> {
  const agent = account.endpoint.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true })
    : new HttpAgent({ keepAlive: true });
  const client = await connect(account, agent);
  return {
    adapter: tablestoreAdapter(client, { sequence: 'cas', keyWindowMs: KEPT_MS }),
    inboxes: tablestoreAdapter(client, { sequence: 'auto', keyWindowMs: KEPT_MS }),
    name: 'group_chat',
    place: { kind: 'instance', name: `${account.instanceName} at ${account.endpoint}`, note },
    close: async () => {
      agent.destroy();
      await end();
    },
  };
}

async function connect(
  { endpoint, instanceName, accessKeyId, accessKeySecret }: Account,
  agent: HttpAgent,
): Promise<TableStoreClient> {
  // The package has no types.
  const name: string = 'tablestore';
  const { default: sdk } = (await import(name)) as { default: { Client: new (options: object) => TableStoreClient } };
  return new sdk.Client({
    endpoint,
    instancename: instanceName,
    accessKeyId,
    secretAccessKey: accessKeySecret,
    httpOptions: { agent, timeout: 10_000 },
    maxRetries: 0,
  });
}
