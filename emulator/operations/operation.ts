import { parameterInvalid } from '../errors.js';
import type { Instance } from '../storage/instance.js';
import { PlainBufferError } from '../wire/plain-buffer.js';
import { decode, encode, type Message, type Outgoing, ProtobufError, type Schema } from '../wire/protobuf.js';

/** Runs an operation from request body to response body. Rejects with a ServiceError, or another error for a defect. */
export type Operation = (instance: Instance, body: Uint8Array) => Promise<Buffer>;

/** Wraps a handler with its request and response messages. A request that does not decode is the client's fault. */
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
