/** Environment variables of upload-parts: set by its construct, read by its handler. */
export const environmentKeys = ['TASKS_PATH', 'LEDGER_TABLE'] as const;
