import { TimelineError } from '../../src/index.js';
import { encodePosition } from './conversation-position.js';
import type { DeviceCursor } from './device-cursor.js';
import type { DeviceLog } from './device-log.js';
import type { NameHashes } from './name-hashes.js';
import type { PageRecords } from './page-records.js';

interface KnownPositions<M> {
  readonly log: DeviceLog<M>;
  readonly records: PageRecords<M>;
  readonly hashes: NameHashes;
}

/**
 * Returns the positions that acknowledging the cursor stores, encoded. Throws `TIMELINE_INVALID_CURSOR` for a cursor
 * that is too old.
 */
export async function changesIn<M>(
  { recorded, conversations, base }: DeviceCursor,
  { log, records, hashes }: KnownPositions<M>,
): Promise<Map<string, string>> {
  const changes = recorded ? await records.read(recorded) : new Map<string, string>();
  const recordedNames = new Set(changes.keys());
  hashes.see(recordedNames);
  const find = (hash: string): string | undefined => {
    const name = hashes.nameOf(hash);
    return name !== undefined && (recordedNames.has(name) || log.conversations.has(name)) ? name : undefined;
  };
  const seeLog = () => hashes.see(log.conversations.keys());
  const nameOf = async (hash: string): Promise<string> => {
    if (find(hash) === undefined) seeLog();
    if (find(hash) === undefined && (await log.refresh())) seeLog();
    const name = find(hash);
    if (name === undefined) throw tooOld();
    return name;
  };
  for (const [ref, position] of conversations)
    changes.set('name' in ref ? ref.name : await nameOf(ref.hash), encodePosition(position));
  // Of a conversation that is not in the log, the cursor may have a position from before the one that was removed.
  if (base < log.removedThrough && [...changes.keys()].some((name) => !log.conversations.has(name))) throw tooOld();
  return changes;
}

function tooOld(): TimelineError {
  const message = 'cursor is too old: pull again, and acknowledge a later page';
  return new TimelineError('TIMELINE_INVALID_CURSOR', message, { argument: 'cursor' });
}
