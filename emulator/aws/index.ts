/** AWS on one port of loopback: deploys a synthesized CDK stack and runs it. See ../README.md. */
export { startEmulator, type Emulator } from './emulator.ts';
export { EmulatorError, type EmulatorErrorCode } from './errors.ts';
export type { FaultyService, ServiceFault, ServiceFaultHook, ServiceRequest } from './faults.ts';
export type { PermissionUse } from './iam/access.ts';
export type { PolicyDocument } from './iam/policy.ts';
export type { LogChunk } from './lambda/environment.ts';
export { Quotas } from './quotas/quotas.ts';
export { parseQuotas, quotaValues, type QuotaSettings } from './quotas/settings.ts';
export { usageLines, type QuotaUse } from './quotas/usage.ts';
export type { EmulatorOptions, S3Surroundings, User } from './options.ts';
