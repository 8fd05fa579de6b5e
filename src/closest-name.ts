/** Returns the known name that the given one was probably meant to be; `undefined` if none is close. */
export function closestName(given: string, known: readonly string[]): string | undefined {
  const lower = given.toLowerCase();
  let closest: string | undefined;
  let least = Math.min(3, Math.ceil(lower.length / 2));
  for (const name of known) {
    const distance = editsBetween(lower, name.toLowerCase());
    if (distance < least) {
      least = distance;
      closest = name;
    }
  }
  if (closest !== undefined || lower.length < 3) return closest;
  const longer = known.filter((name) => name.toLowerCase().startsWith(lower));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Counts the insertions, deletions, replacements and exchanges of neighbours that turn one text into the other. */
function editsBetween(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = last[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, replaced);
      const isExchange = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (isExchange) edits = Math.min(edits, beforeLast[j - 2]! + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length]!;
}
