import { parameterInvalid } from '../errors.js';
import type { Instance } from '../storage/instance.js';
import { PlainBufferError } from '../wire/plain-buffer.js';
import { decode, encode, type Message, type Outgoing, ProtobufError, type Schema } from '../wire/protobuf.js';

/** An operation from request body to response body. It rejects with a ServiceError, or with a defect. */
export type Operation = (instance: Instance, body: Uint8Array) => Promise<Buffer>;

/** Ties a handler to the messages it takes and gives. What it cannot decode of the request is the client's fault. */
export function operation<Q extends Schema, A extends Schema>(
  request: Q,
  response: A,
  handle: (instance: Instance, message: Message<Q>) => Outgoing<A> | Promise<Outgoing<A>>,
): Operation {
  return async (instance, body) => {
    const answer = await answerTo(() => handle(instance, decode(request, body)));
    return encode(response, answer);
  };
}

async function answerTo<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isMalformed = error instanceof ProtobufError || error instanceof PlainBufferError;
    throw isMalformed ? parameterInvalid(`Failed to parse the request: ${error.message}.`) : error;
  }
}
