import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Codec } from '../../src/index.js';

/** JSON under AES-256-GCM with a random nonce, as it should be used: no two encodings of a message are alike. */
export function encrypting<M>(key: Buffer): Codec<M> {
  return {
    encode(message) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([cipher.update(JSON.stringify(message), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    decode(body) {
      const bytes = Buffer.from(body as Uint8Array);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')) as M;
    },
  };
}

/** The same in every process of a test. */
export const TEST_KEY: Buffer = Buffer.alloc(32, 7);
