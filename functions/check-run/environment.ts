/** Environment variables of check-run: set by its construct, read by its handler. */
export const environmentKeys = ['LEDGER_TABLE', 'QUEUE_URL', 'UPLOAD_MACHINE_ARN', 'GIVE_UP_AFTER_SECONDS'] as const;
