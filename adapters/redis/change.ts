import type { Call, Payload, Row } from '../../src/adapter.js';
import { entryNotFound, revisionConflict } from '../../src/toolkit/index.js';
import { asArgument } from './connection/client.js';
import type { Library } from './library.js';
import { parseFieldName } from './row-codec.js';
import { CHANGE_ENTRY } from './scripts.generated.js';
import { epochIn, lastTimeIn } from './timeline-state.js';

type Answer = null | string | readonly [state: string, fieldName: string, revision: string];

/** Updates and deletes entries. */
export class EntryChanges {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  async update(
    timeline: string,
    seqId: bigint,
    { body }: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }> {
    const expected = ifRevision === undefined ? '' : String(ifRevision);
    const kind = typeof body === 'string' ? 't' : 'b';
    const answer = await this.#change(timeline, seqId, [expected, kind, asArgument(body)], call);
    if (answer === null) throw entryNotFound(timeline, seqId);
    if (typeof answer === 'string') {
      throw revisionConflict(timeline, seqId, { expected: ifRevision, actual: Number(answer) });
    }
    const [state, fieldName, revision] = answer;
    const { clock } = this.#library;
    const { appendedAt: stored, key } = parseFieldName(fieldName);
    const appendedAt = clock.isFuture(stored) ? lastTimeIn(state, clock) : stored;
    const row = { seqId, appendedAt, body, revision: Number(revision) };
    return { epoch: epochIn(state), row: key === undefined ? row : { ...row, key } };
  }

  async delete(timeline: string, seqId: bigint, call: Call): Promise<void> {
    await this.#change(timeline, seqId, ['', 'd', ''], call);
  }

  async #change(timeline: string, seqId: bigint, change: readonly (string | Buffer)[], call: Call): Promise<Answer> {
    const library = this.#library;
    const args = [library.newEpochSuffix(), ...library.expiryArguments(), String(seqId), ...change];
    const keys = library.keys.declare(timeline, ['m', 'u']);
    return (await library.connections.write.script(CHANGE_ENTRY, keys, args, call)) as Answer;
  }
}
