/** Environment variables of cut-ranges: set by its construct, read by its handler. */
export const environmentKeys = ['TASKS_PATH', 'LEDGER_TABLE', 'QUEUE_URL', 'FINDERS'] as const;
