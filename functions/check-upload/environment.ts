/** Environment variables of check-upload: set by its construct, read by its handler. */
export const environmentKeys = ['TASKS_PATH', 'LEDGER_TABLE', 'GIVE_UP_AFTER_SECONDS', 'PARTS_AT_ONCE'] as const;
