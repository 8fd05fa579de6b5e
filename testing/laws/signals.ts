import assert from 'node:assert/strict';
import type { TimelineStore } from '../../src/types.js';
import { fill, rejects, until } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

const PROBE = 'probe';

/** The signals that a listener has heard, without probes. */
class Ears {
  readonly heard: string[] = [];
  readonly probed = new Set<string>();
  stop = () => {};

  readonly hear = (topic: string, payload: string): void => {
    if (payload === PROBE) this.probed.add(topic);
    else this.heard.push(`${topic}=${payload}`);
  };

  until(...expected: string[]): Promise<void> {
    return until(`${expected} are heard`, () => expected.every((each) => this.heard.includes(each)));
  }
}

/** Listens, and resolves once the store knows of it: until then signals may be missed. */
async function listenTo(store: TimelineStore<string>, ...topics: string[]): Promise<Ears> {
  const ears = new Ears();
  ears.stop = store.listen(topics, ears.hear);
  await until('the store knows of the listener', async () => {
    for (const topic of topics) if (!ears.probed.has(topic)) await store.publish(topic, PROBE);
    return topics.every((topic) => ears.probed.has(topic));
  });
  return ears;
}

/** Resolves when all signals published before have arrived, as far as any will. */
async function settle(fixture: Fixture, store = fixture.store): Promise<void> {
  const { stop } = await listenTo(store, 'settled');
  stop();
}

export const signals = law('Signals', 'signals reach the listeners of their topic and nobody else', (test) => {
  test('each listener of the topic hears the payload, the publisher too', ['signals'], async (fixture) => {
    const other = await fixture.open();
    const [mine, theirs] = [await listenTo(fixture.store, 'typing'), await listenTo(other, 'typing')];
    await fixture.store.publish('typing', 'ann');
    await other.publish('typing', 'bob');
    for (const ears of [mine, theirs]) await ears.until('typing=ann', 'typing=bob');
    await settle(fixture);
    for (const ears of [mine, theirs]) assert.deepEqual(ears.heard.sort(), ['typing=ann', 'typing=bob']);
  });

  test('a signal is heard on its topic only', ['signals'], async (fixture) => {
    const topics = ['a', 'ab', 'A', 'a*', 'a:b', '{a}', 'a?', '[a]', ' ', 'é', 'e\u0301', '\u0000', 'x'.repeat(255)];
    const ears = await Promise.all(topics.map((topic) => listenTo(fixture.store, topic)));
    for (const topic of topics) await fixture.store.publish(topic, 'x');
    await Promise.all(ears.map((each, i) => each.until(`${topics[i]}=x`)));
    await settle(fixture);
    for (const [i, each] of ears.entries()) assert.deepEqual(each.heard, [`${topics[i]}=x`]);
  });

  test(
    'one listener of many topics is told which, and once if a topic is named twice',
    ['signals'],
    async (fixture) => {
      const ears = await listenTo(fixture.store, 'one', 'two', 'one');
      await fixture.store.publish('one', '1');
      await fixture.store.publish('two', '2');
      await ears.until('one=1', 'two=2');
      await settle(fixture);
      assert.deepEqual(ears.heard.sort(), ['one=1', 'two=2']);
    },
  );

  test('payloads arrive as they were sent', ['signals'], async (fixture) => {
    const payloads = ['', ' ', '{"a":1}', '\u0000\r\n', 'é💬\u2028', 'x'.repeat(65_536), '💬'.repeat(16_384)];
    const ears = await listenTo(fixture.store, 't');
    for (const payload of payloads) await fixture.store.publish('t', payload);
    await ears.until(...payloads.map((payload) => `t=${payload}`));
  });

  test('no listener runs within publish or listen', ['signals'], async (fixture) => {
    const ears = await listenTo(fixture.store, 't');
    const published = fixture.store.publish('t', 'x');
    assert.deepEqual(ears.heard, []);
    await published;
    await ears.until('t=x');
  });

  test('a listener that stopped hears nothing more, others do', ['signals'], async (fixture) => {
    const [gone, stays] = [await listenTo(fixture.store, 't'), await listenTo(fixture.store, 't')];
    gone.stop();
    gone.stop();
    await fixture.store.publish('t', 'x');
    await stays.until('t=x');
    assert.deepEqual(gone.heard, []);
    const again = await listenTo(fixture.store, 't');
    await fixture.store.publish('t', 'y');
    await again.until('t=y');
    assert.deepEqual(gone.heard, []);
  });

  test('a listener that fails disturbs nobody, and is warned of', ['signals'], async (fixture) => {
    fixture.store.listen(['t'], () => {
      throw new Error('broken listener');
    });
    fixture.store.listen(['t'], (async () => {
      throw new Error('broken async listener');
    }) as () => void);
    const ears = await listenTo(fixture.store, 't');
    await fixture.store.publish('t', 'x');
    await ears.until('t=x');
    const warned = (text: string) =>
      fixture.warnings.some(({ code, message }) => code === 'listener-failed' && message.includes(text));
    await until('both are warned of', () => warned('broken listener') && warned('broken async listener'));
  });

  test('after closing no listener is called, and calls are refused', ['signals'], async (fixture) => {
    const store = await fixture.open();
    const ears = await listenTo(store, 't');
    const other = await listenTo(fixture.store, 't');
    const late = store.publish('t', 'with the closing');
    const closed = store.close();
    const heard = ears.heard.length;
    await Promise.all([late, closed]);
    await fixture.store.publish('t', 'after the closing');
    await other.until('t=after the closing');
    assert.equal(ears.heard.length, heard);
    await rejects(store.publish('t', 'x'), 'TIMELINE_CLOSED');
    await rejects(
      Promise.resolve().then(() => store.listen(['t'], ears.hear)),
      'TIMELINE_CLOSED',
    );
  });

  test('libraries do not hear each other, whatever their names look like', ['signals'], async (fixture) => {
    const names = ['lib', 'LIB', 'lib:t', 'lib:signals', 'lib{t}', 'lib*', 'l'];
    const stores = await Promise.all(names.map((name) => fixture.open({ name })));
    const topics = ['t', 't:t', 'signals:{t}', 'x'];
    const ears = await Promise.all(stores.map((store) => listenTo(store, ...topics)));
    for (const [i, store] of stores.entries())
      for (const topic of topics) await store.publish(topic, names[i] as string);
    for (const [i, each] of ears.entries()) await each.until(...topics.map((topic) => `${topic}=${names[i]}`));
    for (const store of stores) await settle(fixture, store);
    for (const [i, each] of ears.entries())
      assert.deepEqual(each.heard.sort(), topics.map((topic) => `${topic}=${names[i]}`).sort());
  });

  test('signals and Timelines of the same name have nothing to do with each other', ['signals'], async (fixture) => {
    const ears = await listenTo(fixture.store, 'timeline');
    await fill(fixture.timeline(), 3);
    await fixture.store.publish('timeline', 'x');
    await ears.until('timeline=x');
    assert.deepEqual(ears.heard, ['timeline=x']);
    assert.equal((await fixture.timeline().head()).lastSeqId, 3n);
  });

  test('many topics at once, each with its listener', ['signals'], async (fixture) => {
    const topics = Array.from({ length: 300 }, (_, i) => `topic ${i}`);
    const ears = await listenTo(fixture.store, ...topics);
    await Promise.all(topics.map((topic) => fixture.store.publish(topic, 'x')));
    await ears.until(...topics.map((topic) => `${topic}=x`));
    assert.equal(ears.heard.length, 300);
  });

  test('a second adapter object on the same data is heard', ['signalsInStore', 'reopen'], async (fixture) => {
    const other = await fixture.reopen();
    const ears = await listenTo(other, 't');
    await fixture.store.publish('t', 'x');
    await ears.until('t=x');
  });

  test('processes hear each other', ['signalsInStore', 'fork'], async (fixture) => {
    const [child, silent] = await Promise.all([fixture.fork(), fixture.fork()]);
    const ears = await listenTo(fixture.store, 'from child');
    await child.listen(['to child']);
    await child.publish('from child', 'hello');
    await ears.until('from child=hello');
    // The child's listener may not be known to the store yet.
    await until('the child hears', async () => {
      await fixture.store.publish('to child', 'hello, child');
      return child.signals.some(({ topic, payload }) => topic === 'to child' && payload === 'hello, child');
    });
    assert.deepEqual(silent.signals, []);
  });
});
