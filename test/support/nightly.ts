/** Set `NIGHTLY=1` for what takes too long for every run: all laws in all numberings, more seeds, more kills. */
export const nightly = Boolean(process.env.NIGHTLY);
