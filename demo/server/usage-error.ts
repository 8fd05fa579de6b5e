/** An error that the user of the command can fix: shown in one line, without a stack. */
export class UsageError extends Error {}
