/** What the person at the command line can mend: shown in one line, without a stack. */
export class UsageError extends Error {}
