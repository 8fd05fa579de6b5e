import { describeValue, invalidArgument, isThenable, withinUserTime } from '../src/toolkit/index.js';

/** Awaits the answer of a callback for 30 seconds, after which it is `TIMELINE_UNAVAILABLE`. */
export async function answerOf(name: string, answer: unknown): Promise<unknown> {
  return isThenable(answer) ? withinUserTime(answer, name) : answer;
}

/** Awaits the answer of a callback that decides. */
export async function decisionOf(name: string, answer: unknown): Promise<boolean> {
  const decision = await answerOf(name, answer);
  if (typeof decision === 'boolean') return decision;
  throw invalidArgument(name, `must answer true or false, not ${describeValue(decision)}`);
}
