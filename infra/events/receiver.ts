import { Aws, CfnCondition, CfnOutput, Fn, Stack } from 'aws-cdk-lib';
import { CfnEventBus, CfnEventBusPolicy, CfnRule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { allowEvents, type JobQueues } from '../queue.ts';
import { placeName, senderStackName, sendersDirectory, type EventPlace } from './places.ts';
import { objectEvents } from './pattern.ts';

/**
 * Receives the events of buckets in other regions: an event bus of the stack's own, and a rule from it to the queue of
 * events. Each place sends to the bus by a stack of its own (sender.ts), whose command is an output. A bus of its own,
 * so that nothing changes on the account's default one. See docs/decisions/0025-events-of-other-regions.md.
 */
export class EventReceiver extends Construct {
  constructor(scope: Construct, id: string, queues: JobQueues, places: readonly EventPlace[]) {
    super(scope, id);
    const regions = [...new Set(places.map(({ region }) => region))];
    const elsewhere = new Map(regions.map((region) => [region, this.elsewhere(region)]));
    // Of several regions, at most one is the stack's.
    const needed = regions.length === 1 ? [...elsewhere.values()][0] : undefined;
    if (regions.length === 0) return;
    const name = Stack.of(this).stackName;
    const bus = new CfnEventBus(this, 'Bus', { name });
    const rule = new CfnRule(this, 'Rule', {
      description: 'S3 Ferry: S3 events of other regions become jobs',
      eventBusName: bus.ref,
      // A place may send no other account's events.
      eventPattern: { ...objectEvents, account: [...new Set(places.map(accountOf))] },
      targets: [
        {
          // The queue of jobs was the target once: with the same ID it is replaced, and no event falls between the two.
          id: 'Jobs',
          arn: queues.events.queueArn,
          // Redrive brings such an event back: its body is the event, as the queues take it.
          deadLetterConfig: { arn: queues.deadLetters.queueArn },
        },
      ],
    });
    if (needed) for (const resource of [bus, rule]) resource.cfnOptions.condition = needed;
    const sending = (queue: Queue): PolicyStatement =>
      new PolicyStatement({
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [queue.queueArn],
        // Not the rule itself, which is not there in the one region that needs none.
        conditions: { ArnLike: { 'aws:SourceArn': eventsArn(`rule/${name}/*`) } },
      });
    allowEvents(queues, (queue) => [sending(queue)]);
    queues.deadLetters.addToResourcePolicy(sending(queues.deadLetters));
    // The policy of the queue is there before a rule sends to it.
    rule.node.addDependency(queues.events);
    this.admit(bus, places, needed);
    for (const place of places) this.instruct(place, elsewhere.get(place.region));
  }

  /** True where the stack is in another region than this one. */
  private elsewhere(region: string): CfnCondition {
    const expression = Fn.conditionNot(Fn.conditionEquals(Aws.REGION, region));
    return new CfnCondition(this, `Outside-${region}`, { expression });
  }

  /**
   * Lets the rules of other accounts, in their regions, put events onto the bus (Amazon EventBridge User Guide: Example
   * policy: Send events from specific rules to a bus in a different Region). In the own account a role's policy does.
   */
  private admit(bus: CfnEventBus, places: readonly EventPlace[], needed: CfnCondition | undefined): void {
    const others = Map.groupBy(places, ({ account }) => account);
    for (const [account, some] of others) {
      if (account === undefined) continue;
      const policy = new CfnEventBusPolicy(this, `From${account}`, {
        eventBusName: bus.ref,
        statementId: `From${account}`,
        statement: {
          Effect: 'Allow',
          Principal: { AWS: `arn:${Aws.PARTITION}:iam::${account}:root` },
          Action: 'events:PutEvents',
          Resource: eventsArn(`event-bus/${Stack.of(this).stackName}`),
          Condition: {
            ArnLike: {
              'aws:SourceArn': some.map(({ region }) => `arn:${Aws.PARTITION}:events:${region}:${account}:rule/*`),
            },
          },
        },
      });
      if (needed) policy.cfnOptions.condition = needed;
    }
  }

  /** What to do in the place, once. */
  private instruct(place: EventPlace, condition: CfnCondition | undefined): void {
    const name = Stack.of(this).stackName;
    const value = [
      `aws cloudformation deploy --region ${place.region} --stack-name ${senderStackName(name)}`,
      `--template-file cdk.out/${sendersDirectory}/${placeName(place)}.template.json --capabilities CAPABILITY_IAM`,
      `--parameter-overrides EventBusArn=${eventsArn(`event-bus/${name}`)}`,
    ].join(' ');
    const whose = place.account === undefined ? '' : ` by account ${place.account}`;
    const description = `to be run${whose}: sends the S3 events of ${place.region}`;
    const output = new CfnOutput(this, `From-${placeName(place)}`, { value, description });
    output.overrideLogicalId(`EventsFrom${placeName(place).replaceAll('-', '')}`);
    if (condition) output.condition = condition;
  }
}

function accountOf({ account }: EventPlace): string {
  return account ?? Aws.ACCOUNT_ID;
}

/** An ARN of EventBridge in the stack's region and account. */
function eventsArn(resource: string): string {
  return `arn:${Aws.PARTITION}:events:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
}
