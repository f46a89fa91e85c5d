/** Environment variables of finish-run: set by its construct, read by its handler. */
export const environmentKeys = ['LEDGER_TABLE'] as const;
