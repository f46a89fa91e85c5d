/** Environment variables of find-objects: set by its construct, read by its handler. */
export const environmentKeys = ['TASKS_PATH', 'QUEUE_URL', 'LEDGER_TABLE'] as const;
