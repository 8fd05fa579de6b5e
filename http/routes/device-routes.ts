import type { OptionNames } from '../../src/toolkit/index.js';
import { json, noContent } from '../answers.js';
import { acknowledgingDevice, openDevice, openStreamDevice } from '../device-position.js';
import type { AckBody, DevicesAnswer } from '../protocol.js';
import { countParameter, readBody } from '../requests.js';
import { eventStream } from '../streams/event-stream.js';
import type { Call, Route } from './route.js';

const USUAL_LIMIT = 100;
const ACK: OptionNames<AckBody> = { cursor: true };

export function deviceRoutes<M>(): Route<M>[] {
  return [
    { method: 'GET', path: '/events', answer: events },
    { method: 'GET', path: '/pull', answer: pull },
    { method: 'POST', path: '/ack', answer: acknowledge },
    { method: 'GET', path: '/devices', answer: devices },
    { method: 'DELETE', path: '/devices/:device', answer: forget },
  ];
}

async function events<M>(call: Call<M>): Promise<Response> {
  const opened = await openStreamDevice(call, call.request, call);
  return eventStream(call, opened, call);
}

async function pull<M>(call: Call<M>): Promise<Response> {
  const { options, request, url } = call;
  const limit = countParameter(url, 'limit', { usual: USUAL_LIMIT, most: options.limits.page });
  const { device, after } = openDevice(call, request, call);
  return json(await device.pull({ after, limit, signal: request.signal }));
}

async function acknowledge<M>(call: Call<M>): Promise<Response> {
  const { sync, options, request } = call;
  const device = acknowledgingDevice(sync, call);
  const { cursor } = await readBody<AckBody>(request, options.limits.bodyBytes, ACK);
  await device.ack(cursor);
  return noContent();
}

async function devices<M>({ sync, user }: Call<M>): Promise<Response> {
  const answer: DevicesAnswer['devices'][number][] = [];
  for await (const device of sync.devices(user)) answer.push(device);
  return json({ devices: answer } satisfies DevicesAnswer);
}

async function forget<M>({ sync, user, params }: Call<M>): Promise<Response> {
  await sync.forgetDevice(user, params.device ?? '');
  return noContent();
}
