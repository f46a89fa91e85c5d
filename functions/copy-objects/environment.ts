/** Environment variables of copy-objects: set by its construct, read by its handler. */
export const environmentKeys = [
  'TASKS_PATH',
  'LEDGER_TABLE',
  'QUEUE_URL',
  'EVENTS_QUEUE_URL',
  'DEAD_LETTER_QUEUE_URL',
  'UPLOAD_MACHINE_ARN',
  'UPLOADS_AT_ONCE',
  'MAX_RECEIVES',
  'GIVE_UP_AFTER_SECONDS',
] as const;
