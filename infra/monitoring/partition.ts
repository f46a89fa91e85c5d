import { Aws, CfnCondition, Fn, type CfnResource } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Is there X-Ray for functions and machines where the stack is? Not in China. */
export class TracingCondition extends CfnCondition {
  constructor(scope: Construct, id: string) {
    super(scope, id, { expression: Fn.conditionNot(Fn.conditionEquals(Aws.PARTITION, 'aws-cn')) });
  }

  /** Sets a property to `value` where there is tracing; elsewhere the template does not have it. */
  only(resource: CfnResource, property: string, value: unknown): void {
    resource.addPropertyOverride(property, Fn.conditionIf(this.logicalId, value, { Ref: 'AWS::NoValue' }));
  }
}
