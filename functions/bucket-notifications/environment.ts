/** Environment variables of bucket-notifications: none; the request has everything. */
export const environmentKeys = [] as const;
