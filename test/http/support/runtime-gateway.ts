import { memoryAdapter } from '../../../adapters/memory/index.js';
import { createGateway } from '../../../http/index.js';
import { openMessageSync } from '../../../sync/index.js';

/** Users by their bearer token, at `/chat`. */
export const gateway = createGateway(await openMessageSync<string>({ adapter: memoryAdapter() }), {
  basePath: '/chat',
  authenticate: (request) => {
    const user = request.headers.get('authorization')?.replace('Bearer ', '');
    return user ? { user } : undefined;
  },
});
