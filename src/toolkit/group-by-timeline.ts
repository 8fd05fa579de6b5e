/**
 * The indexes of a batch by Timeline: Timelines in the order of their first item, indexes in the order of the batch.
 * The indexes lead back to the place of each answer.
 *
 * @example
 * for (const [timeline, indexes] of groupByTimeline(writes)) {
 *   const answers = await appendTo(timeline, indexes.map((index) => writes[index]));
 *   indexes.forEach((index, i) => { outcomes[index] = answers[i]; });
 * }
 */
export function groupByTimeline(items: readonly { readonly timeline: string }[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [index, { timeline }] of items.entries()) {
    const indexes = groups.get(timeline);
    if (indexes) indexes.push(index);
    else groups.set(timeline, [index]);
  }
  return groups;
}
