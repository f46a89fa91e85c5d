/** Environment variables of check-deletes: set by its construct, read by its handler. */
export const environmentKeys = ['LEDGER_TABLE'] as const;
