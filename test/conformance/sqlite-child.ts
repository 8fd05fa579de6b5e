import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { serveAdapter } from '../../testing/index.js';

serveAdapter(() => sqliteAdapter(process.argv[2] as string));
