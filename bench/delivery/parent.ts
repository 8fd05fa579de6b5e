/** The other side of `child.ts`, without the bundler that it needs. */

/** In a child: says that it is ready, answers questions, and ends if its parent ends. */
export function serveParent<Question extends object>(
  ready: unknown,
  answer: (question: Question) => unknown = () => undefined,
): void {
  process.on('message', async ({ id, question }: { id: number; question: Question }) => {
    process.send?.({ id, answer: await answer(question) });
  });
  process.once('disconnect', () => process.exit(1));
  process.send?.(ready);
}
