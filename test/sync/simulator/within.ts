/** Rejects after `ms`, and names the work that did not end. */
export async function within<T>(what: string, work: Promise<T>, ms = 20_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for work that may never end, for at most `ms`. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await within('', work, ms).catch(() => undefined);
}
