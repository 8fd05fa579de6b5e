/** One entry in full, as the store holds it. */
import type { InspectedEntry, InspectedTimeline, Inspection } from '../../shared/inspection.js';
import { h } from '../dom.js';

export function entryDetail(timeline: InspectedTimeline, entry: InspectedEntry | undefined, all: Inspection): Node[] {
  if (entry === undefined) return [h('p', { class: 'hint' }, 'Nothing is stored here yet.')];
  const facts: (readonly [string, string | undefined])[] = [
    ['kind', entry.kind],
    ['from', entry.sender],
    ['body', entry.recalled ? 'recalled' : entry.text],
    ['concerns', entry.target],
    ['copy of', entry.conversation === undefined ? undefined : `${entry.of} of ${entry.conversation}`],
    ['key', entry.key],
    ['revision', `${entry.revision}${entry.edited ? ', edited' : ''}${entry.recalled ? ', recalled' : ''}`],
    ['appendedAt', timeOf(entry.appendedAt)],
    ['copied to', timeline === all.conversation ? copies(entry, all) : undefined],
    ['read by', timeline === all.conversation ? readers(entry, all) : undefined],
  ];
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '');
  return [
    h('h3', {}, `Entry ${entry.seqId}`, h('span', {}, timeline.timeline)),
    h('dl', {}, ...known.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
  ];
}

function timeOf(at: number): string {
  const date = new Date(at);
  return `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function copies({ seqId }: InspectedEntry, { inboxes, conversation }: Inspection): string {
  const holders = inboxes.filter(({ entries }) =>
    entries.some((copy) => copy.conversation === conversation.timeline && copy.of === seqId),
  );
  return holders.length === 0 ? 'no inbox shown' : holders.map(({ timeline }) => timeline).join(', ');
}

function readers({ seqId }: InspectedEntry, { conversation }: Inspection): string {
  const read = conversation.positions.filter((position) => BigInt(position.seqId) >= BigInt(seqId));
  return read.length === 0 ? 'nobody yet' : read.map(({ user }) => user).join(', ');
}
