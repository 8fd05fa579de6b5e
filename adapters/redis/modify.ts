import type { Call, Payload, Row } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { asArgument } from './client.js';
import { epochIn, timeIn } from './head.js';
import type { LibraryContext } from './library.js';
import { MODIFY } from './scripts/modify.js';

type Answer = null | string | readonly [state: string, name: string, revision: string];

export class Modifier {
  readonly #library: LibraryContext;

  constructor(library: LibraryContext) {
    this.#library = library;
  }

  async update(
    timeline: string,
    seqId: bigint,
    { body }: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }> {
    const wanted = ifRevision === undefined ? '' : String(ifRevision);
    const kind = typeof body === 'string' ? 't' : 'b';
    const answer = await this.#modify(timeline, seqId, [wanted, kind, asArgument(body)], call);
    if (answer === null) {
      throw new TimelineError('TIMELINE_NOT_FOUND', `there is no entry ${seqId} to update`, {
        timeline,
        actual: seqId,
      });
    }
    if (typeof answer === 'string') {
      const message = `entry ${seqId} has revision ${answer}, not ${ifRevision}`;
      throw new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: ifRevision, actual: Number(answer) });
    }
    const [state, name, revision] = answer;
    const colon = name.indexOf(':');
    const { clock } = this.#library;
    const stored = Number(name.slice(1, colon < 0 ? undefined : colon));
    const appendedAt = clock.isFuture(stored) ? timeIn(state, clock) : stored;
    const row = { seqId, appendedAt, body, revision: Number(revision) };
    const epoch = epochIn(state);
    return { epoch, row: colon < 0 ? row : { ...row, key: name.slice(colon + 1) } };
  }

  async delete(timeline: string, seqId: bigint, call: Call): Promise<void> {
    await this.#modify(timeline, seqId, ['', 'd', ''], call);
  }

  async #modify(timeline: string, seqId: bigint, args: readonly (string | Buffer)[], call: Call): Promise<Answer> {
    const { keys, connections } = this.#library;
    const all = [this.#library.born(), ...this.#library.expiry(), String(seqId), ...args];
    return (await connections.change(MODIFY, keys.declare(timeline, ['m', 'u']), all, call)) as Answer;
  }
}
