import { invalidArgument, TimelineError } from '../../../src/errors.js';
import { decodeTimelineId } from '../../../src/timeline-id.js';
import type { KeyColumn, Layout } from '../layouts/layout.js';
import type { KeyPart } from '../service/values.js';

const MAX_STRING_BYTES = 1024;

export function keyColumnsOf(layout: Layout): readonly KeyColumn[] {
  return layout.keyColumns ?? [{ name: layout.idColumn ?? 'timeline', type: 'STRING' }];
}

/** The key columns of a Timeline. Refuses an id that has no place in them, before any request. */
export function timelineKey(layout: Layout, timeline: string): readonly KeyPart[] {
  checkLength(timeline, timeline);
  if (!layout.keyColumns) return [timeline];
  const id = decodeTimelineId(timeline);
  const parts = Array.isArray(id) ? id : [id];
  const columns = layout.keyColumns;
  if (parts.length !== columns.length) {
    throw invalidArgument('timeline', `must have ${columns.length} parts here, not ${parts.length}`, { timeline });
  }
  return columns.map(({ name, type }, i) => {
    const part = parts[i];
    if ((typeof part === 'string') !== (type === 'STRING')) {
      throw invalidArgument(
        'timeline',
        `must have ${type === 'STRING' ? 'a string' : 'an integer'} as its part ${name}`,
        {
          timeline,
        },
      );
    }
    if (typeof part !== 'string') return BigInt(part);
    checkLength(part, timeline);
    return part;
  });
}

function checkLength(text: string, timeline: string): void {
  if (Buffer.byteLength(text) <= MAX_STRING_BYTES) return;
  const message = `the encoded Timeline id is longer than ${MAX_STRING_BYTES} bytes`;
  throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'timeline', timeline, limit: MAX_STRING_BYTES });
}
