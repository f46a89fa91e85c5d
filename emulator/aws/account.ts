/** The account and region that a deployment believes it is in. */
export interface Account {
  readonly accountId: string;
  readonly region: string;
  readonly partition: string;
  readonly urlSuffix: string;
}

/** The account ID that emulators of AWS use by convention; no real account has it. */
export const localAccountId = '000000000000';

/** The account in a region. The region's name decides the partition. */
export function accountIn(region: string): Account {
  const china = region.startsWith('cn-');
  return {
    accountId: localAccountId,
    region,
    partition: china ? 'aws-cn' : 'aws',
    urlSuffix: china ? 'amazonaws.com.cn' : 'amazonaws.com',
  };
}

/** `arn:<partition>:<service>:<region>:<account>:<resource>` */
export function arnOf(account: Account, service: string, resource: string): string {
  return `arn:${account.partition}:${service}:${account.region}:${account.accountId}:${resource}`;
}
