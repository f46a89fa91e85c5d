/** Environment variables of bucket-notifications: none; all it needs comes with the request. */
export const environmentKeys = [] as const;
