/** The narrator's line for the present state. */
import { CHANNEL, nameOf } from '../../shared/people.js';
import { count, plural, seqIdText } from '../words.js';
import type { App } from './app.js';
import type { Line } from './narrator.js';

export function standingLine(app: App): Line {
  const { linked, narrator, supervisor, devices } = app;
  if (linked !== undefined) return linkedLine(app, linked.conversation, linked.seqId);
  const { event } = narrator;
  const cut = devices.find(({ id }) => supervisor.isCut(id));
  if (cut !== undefined) {
    const { toSend } = cut;
    const strong = `${app.nameOf(cut)} is offline.`;
    const also = event !== undefined && event.strong !== strong ? { also: event.strong } : {};
    if (toSend > 0) {
      const waits = plural(toSend, 'message waits', 'messages wait');
      const whose = `${waits} on the ${cut.title}, ${toSend === 1 ? '' : 'each '}with its key.`;
      return { strong, rest: whose, ...also };
    }
    if (event?.strong === strong) return event;
    return { strong, rest: `Its flag stays while the Timeline goes on.`, ...also };
  }
  if (event !== undefined) return event;
  if (app.conversation === CHANNEL) {
    const members = count(app.channelMembers);
    return {
      strong: `Written once, read by ${members}.`,
      rest: `Each reader keeps a position; nothing is copied into ${members} inboxes.`,
    };
  }
  const states = new Set(devices.map(({ state }) => state));
  if (states.size === 1 && states.has('live'))
    return { strong: 'Ann and Bob are live.', rest: 'Cut one of them off, keep writing, then reconnect.' };
  const waiting = devices.filter(({ state }) => state !== 'live').map(({ user }) => nameOf(user));
  return { strong: `${[...new Set(waiting)].join(' and ')} connect${new Set(waiting).size === 1 ? 's' : ''}.` };
}

function linkedLine(app: App, conversation: string, seqId: bigint): Line {
  const sides = Object.values(app.panes).filter((pane) => pane.conversation === conversation);
  const shown = sides.filter(({ device }) => device.messages(conversation).some((message) => message.seqId === seqId));
  const strong = `Entry ${seqIdText(seqId)}.`;
  if (shown.length === 2) return { strong, rest: 'Stored once, shown once on each side, at the same place.' };
  const missing = sides.find((side) => !shown.includes(side));
  return { strong, rest: missing ? `Stored once. It waits for ${app.nameOfSide(missing.side)}.` : 'Stored once.' };
}
