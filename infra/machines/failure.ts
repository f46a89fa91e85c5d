import { Fail, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

/**
 * Ends an execution as failed, under the name of the error that was caught. Its input must be the output of a Catch,
 * {Error, Cause}. Cause may be missing (a timeout has none), and a path that does not resolve would hide the error.
 */
export function failWithCaught(scope: Construct, name: string): Pass {
  const describe = new Pass(scope, `Describe${name}`, {
    parameters: { 'error.$': '$.Error', 'cause.$': 'States.JsonToString($)' },
  });
  describe.next(new Fail(scope, name, { errorPath: '$.error', causePath: '$.cause' }));
  return describe;
}
