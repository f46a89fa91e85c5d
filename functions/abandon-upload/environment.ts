/** Environment variables of abandon-upload: set by its construct, read by its handler. */
export const environmentKeys = ['TASKS_PATH', 'LEDGER_TABLE', 'DEAD_LETTER_QUEUE_URL'] as const;
