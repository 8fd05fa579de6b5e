/** Registers what is to be called at the end, of several the last one first. */
export type AtEnd = (ending: () => unknown) => void;

/** Runs a job and, whatever becomes of it, what it registers for the end. */
export async function withEndings<T>(job: (atEnd: AtEnd) => Promise<T>): Promise<T> {
  const endings: (() => unknown)[] = [];
  try {
    return await job((ending) => endings.push(ending));
  } finally {
    for (const end of endings.reverse()) await end();
  }
}
