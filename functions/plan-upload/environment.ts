/** Environment variables of plan-upload: set by its construct, read by its handler. */
export const environmentKeys = ['TASKS_PATH', 'LEDGER_TABLE', 'PARTS_AT_ONCE'] as const;
