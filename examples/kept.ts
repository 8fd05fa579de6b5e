/** Inboxes keep messages for a month; keys are remembered as long. */
export const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
