import { openTimelineStore } from 'timeline-model';
import { redisAdapter } from 'timeline-model/redis';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { tablestoreAdapter } from 'timeline-model/tablestore';
import { checkNoDriver } from './check-no-driver.cjs';

await checkNoDriver(openTimelineStore, sqliteAdapter, redisAdapter, tablestoreAdapter);
console.log('done');
