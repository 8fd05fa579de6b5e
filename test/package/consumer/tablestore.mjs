// @ts-expect-error: the package has no types
import sdk from 'tablestore';
import { openTimelineStore } from 'timeline-model';
import { tablestoreAdapter } from 'timeline-model/tablestore';
import { startTablestoreEmulator } from 'timeline-model/tablestore-emulator';
import { checkTablestore } from './check-tablestore.cjs';

await checkTablestore(openTimelineStore, tablestoreAdapter, startTablestoreEmulator, sdk);
console.log('done');
