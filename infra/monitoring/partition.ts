import { Aws, CfnCondition, Fn, type CfnResource } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** True in partitions that have X-Ray for functions and machines: all but China. */
export class TracingCondition extends CfnCondition {
  constructor(scope: Construct, id: string) {
    super(scope, id, { expression: Fn.conditionNot(Fn.conditionEquals(Aws.PARTITION, 'aws-cn')) });
  }

  /** Sets a property to `value` if there is tracing; otherwise the resource is deployed without it. */
  only(resource: CfnResource, property: string, value: unknown): void {
    resource.addPropertyOverride(property, Fn.conditionIf(this.logicalId, value, { Ref: 'AWS::NoValue' }));
  }
}
