import { openTimelineStore } from 'timeline-model';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { checkNoDriver } from './check-no-driver.cjs';

await checkNoDriver(openTimelineStore, sqliteAdapter);
console.log('done');
