import { openTimelineStore } from 'timeline-model';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { checkSqlite } from './check-sqlite.cjs';

await checkSqlite(openTimelineStore, sqliteAdapter, 'esm.db');
console.log('done');
