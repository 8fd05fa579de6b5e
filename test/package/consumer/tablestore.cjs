// @ts-expect-error: the package has no types
const sdk = require('tablestore');
const { openTimelineStore } = require('timeline-model');
const { tablestoreAdapter } = require('timeline-model/tablestore');
const { startTablestoreEmulator } = require('timeline-model/tablestore-emulator');
const { checkTablestore } = require('./check-tablestore.cjs');

checkTablestore(openTimelineStore, tablestoreAdapter, startTablestoreEmulator, sdk).then(() => console.log('done'));
