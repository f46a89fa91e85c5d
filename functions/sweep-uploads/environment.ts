/** Environment variables of sweep-uploads: set by its construct, read by its handler. */
export const environmentKeys = ['TASKS_PATH', 'LEDGER_TABLE', 'OLDER_THAN_DAYS', 'EVENTS_QUEUE_ARN'] as const;
