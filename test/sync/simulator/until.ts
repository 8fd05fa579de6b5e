/** A limit for what must end: a run that hangs says what it waits for. */
export async function until<T>(what: string, work: Promise<T>, ms = 20_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`in vain for ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for what may never end, but not longer than this. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await until('', work, ms).catch(() => undefined);
}
