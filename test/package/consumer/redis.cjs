const { Redis } = require('ioredis');
const { openTimelineStore } = require('timeline-model');
const { redisAdapter } = require('timeline-model/redis');
const { checkRedis } = require('./check-redis.cjs');

checkRedis(openTimelineStore, redisAdapter, new Redis(Number(process.argv[2])), 'cjs:').then(() => console.log('done'));
