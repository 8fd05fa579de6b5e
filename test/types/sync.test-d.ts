import type { Cursor, Timeline, TimelineStore } from 'timeline-model';
import {
  type ConversationSummary,
  createSync,
  type Delivery,
  type Device,
  type Diffusion,
  type Directory,
  hybridDiffusion,
  type MessagePage,
  type MessageSync,
  type PullPage,
  readDiffusion,
  type Sent,
  type Stored,
  type Synced,
  type SyncMessage,
  timelineDirectory,
  writeDiffusion,
} from 'timeline-model/sync';
import { describe, expectTypeOf, it } from 'vitest';

interface Note {
  readonly text: string;
}

declare const store: TimelineStore<Stored<Note>>;
declare const inboxes: TimelineStore<Synced<Note>>;
declare const sync: MessageSync<Note>;
declare const device: Device<Note>;

describe('message synchronisation', () => {
  it('takes the message type from its libraries', () => {
    const directory = { members: (_: string) => ['ann'], conversations: (_: string) => new Set(['g']) };
    const made = createSync({ store, sync: inboxes, directory, diffusion: writeDiffusion() });
    expectTypeOf(made).toEqualTypeOf<MessageSync<Note>>();
    // @ts-expect-error: the two libraries are not the same
    createSync<Note>({ store: inboxes, sync: store, directory, diffusion: writeDiffusion() });
    // @ts-expect-error: a directory is needed
    createSync<Note>({ store, sync: inboxes, diffusion: writeDiffusion() });
  });

  it('takes and gives what is written down', () => {
    expectTypeOf(sync.send({ conversation: 'g', sender: 'ann', body: { text: 'x' }, key: 'k' })).toEqualTypeOf<
      Promise<Sent>
    >();
    expectTypeOf<Sent>().toEqualTypeOf<{
      readonly seqId: bigint;
      readonly duplicate: boolean;
      readonly delivered: Promise<Delivery>;
      toJSON(): unknown;
    }>();
    expectTypeOf(sync.history('g')).toEqualTypeOf<Timeline<Stored<Note>>>();
    expectTypeOf(sync.device('ann', 'phone')).toEqualTypeOf<Device<Note>>();
    expectTypeOf(sync.conversations('ann')).toEqualTypeOf<AsyncIterable<ConversationSummary<Note>>>();
    expectTypeOf(sync.markRead('ann', 'g', 1n)).toEqualTypeOf<Promise<bigint>>();
    expectTypeOf(sync.edit('g', 1n, { text: 'y' })).toEqualTypeOf<Promise<Sent>>();
    expectTypeOf(sync.recall('g', 1n)).toEqualTypeOf<Promise<Sent>>();
    expectTypeOf(sync.recover()).toEqualTypeOf<Promise<{ readonly resumed: number }>>();
    expectTypeOf(sync.close()).toEqualTypeOf<Promise<void>>();
    expectTypeOf(sync).toExtend<AsyncDisposable>();
    expectTypeOf(device.pull({ limit: 5 })).toEqualTypeOf<Promise<PullPage<Note>>>();
    expectTypeOf<PullPage<Note>['messages']>().toEqualTypeOf<SyncMessage<Note>[]>();
    expectTypeOf(device.ack).parameter(0).toEqualTypeOf<Cursor>();
    expectTypeOf(device.subscribe()).toEqualTypeOf<AsyncIterable<SyncMessage<Note>>>();
    expectTypeOf<SyncMessage<Note>['kind']>().toEqualTypeOf<
      'message' | 'edit' | 'recall' | 'read' | 'receipt' | 'settings' | 'join' | 'leave' | 'signal'
    >();
    // @ts-expect-error: not a Note
    sync.send({ conversation: 'g', sender: 'ann', body: { txt: 'x' } });
    // @ts-expect-error: SeqIds are bigints
    sync.recall('g', 1);
  });

  it('narrows a message by its kind', () => {
    type Of<K> = Omit<Extract<SyncMessage<Note>, { readonly kind: K }>, 'cursor' | 'toJSON' | 'resynced' | 'truncated'>;
    type Fields = 'kind' | 'conversation' | 'seqId' | 'entrySeqId' | 'sender' | 'sentAt';
    expectTypeOf<keyof Of<'message'>>().toEqualTypeOf<
      Fields | 'body' | 'countable' | 'relatesTo' | 'mentions' | 'related' | 'edited' | 'recalled' | 'undecodable'
    >();
    expectTypeOf<keyof Of<'edit'>>().toEqualTypeOf<Fields | 'body' | 'by' | 'recalled' | 'undecodable'>();
    expectTypeOf<keyof Of<'recall'>>().toEqualTypeOf<Fields | 'by'>();
    expectTypeOf<keyof Of<'read'>>().toEqualTypeOf<Fields>();
    expectTypeOf<keyof Of<'receipt'>>().toEqualTypeOf<Fields>();
    expectTypeOf<keyof Of<'settings'>>().toEqualTypeOf<Fields | 'settings'>();
    expectTypeOf<keyof Of<'join' | 'leave'>>().toEqualTypeOf<Fields | 'users' | 'by'>();
    expectTypeOf<keyof Of<'signal'>>().toEqualTypeOf<Fields | 'body'>();
  });

  it('narrows in a switch, which the compiler knows to be complete', () => {
    function textOf(message: SyncMessage<Note>): string {
      switch (message.kind) {
        case 'message':
          return message.mentions?.join() ?? message.body?.text ?? '';
        case 'edit':
          return message.body?.text ?? message.by ?? '';
        case 'recall':
          return message.by ?? message.sender;
        case 'read':
        case 'receipt':
          return message.sender;
        case 'settings':
          return String(message.settings.muted);
        case 'join':
        case 'leave':
          return message.users.join();
        case 'signal':
          expectTypeOf(message.body).toEqualTypeOf<unknown>();
          return '';
        default:
          return message satisfies never;
      }
    }
    expectTypeOf(textOf).returns.toEqualTypeOf<string>();
    expectTypeOf(textOf).parameter(0).toHaveProperty('resynced').toEqualTypeOf<true | undefined>();
    // @ts-expect-error: not every kind has a body
    expectTypeOf<SyncMessage<Note>['body']>();
    const { kind, seqId } = {} as SyncMessage<Note>;
    expectTypeOf(seqId).toEqualTypeOf<bigint>();
    // @ts-expect-error: no such kind
    expectTypeOf(kind === 'typing').toEqualTypeOf<boolean>();
  });

  it('gives pages of a conversation that hold only its messages', () => {
    expectTypeOf<MessagePage<Note>['messages'][number]['kind']>().toEqualTypeOf<'message'>();
    expectTypeOf<MessagePage<Note>['messages']>().toExtend<SyncMessage<Note>[]>();
  });

  it('knows three ways of diffusion, and directories of any shape', () => {
    for (const diffusion of [writeDiffusion(), readDiffusion(), hybridDiffusion({ writeUpTo: 500, writeBelow: 300 })]) {
      expectTypeOf(diffusion).toEqualTypeOf<Diffusion>();
    }
    expectTypeOf(timelineDirectory({ store })).toExtend<Directory>();
    expectTypeOf({
      members: async function* () {
        yield 'ann';
      },
      conversations: async () => ['g'],
    }).toExtend<Directory>();
    expectTypeOf({ members: () => new Set(['ann']), conversations: () => ['g'] }).toExtend<Directory>();
    // @ts-expect-error: an option with a slip of the pen
    hybridDiffusion({ writeupto: 5 });
  });
});
