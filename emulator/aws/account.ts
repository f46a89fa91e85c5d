/** The account and region that a local deployment pretends to be in. */
export interface Account {
  readonly accountId: string;
  readonly region: string;
  readonly partition: string;
  readonly urlSuffix: string;
}

/** The account ID that local AWS tools have agreed on: no real account has it. */
export const localAccountId = '000000000000';

/** The account of a region, in the partition that the region's name tells. */
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
