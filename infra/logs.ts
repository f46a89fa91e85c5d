import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { StackSettings } from '../shared/model/config/settings.ts';

/** How long logs are kept. */
export function retentionOf({ logRetentionDays }: StackSettings): RetentionDays {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- its values are the days themselves
  const retention: RetentionDays = logRetentionDays;
  return retention;
}

/** A log group with the retention of the settings. It is deleted with the stack. */
export function createLog(scope: Construct, settings: StackSettings, name?: string): LogGroup {
  return new LogGroup(scope, 'Logs', {
    ...(name !== undefined && { logGroupName: name }),
    retention: retentionOf(settings),
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
