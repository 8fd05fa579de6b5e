/**
 * Returns a shorter list that still fails, by removing smaller and smaller chunks. `fails` runs a candidate on new
 * data; runs at most `attempts` candidates.
 */
export async function shrink<T>(
  list: readonly T[],
  fails: (candidate: readonly T[]) => Promise<boolean>,
  attempts = 150,
): Promise<readonly T[]> {
  let shortest = list;
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < shortest.length && attempts > 0; ) {
      const candidate = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      attempts -= 1;
      if (await fails(candidate)) shortest = candidate;
      else at += size;
    }
  }
  return shortest;
}
