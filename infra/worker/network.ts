import { Annotations, RemovalPolicy } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  SecurityGroup,
  SubnetType,
  Vpc,
  type ISecurityGroup,
  type IVpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** An existing network if the first three are set; a new one if none is. */
export interface WorkerNetworkProps {
  readonly vpcId?: string | undefined;
  /** subnets that reach S3, SQS, DynamoDB, SSM and CloudWatch Logs */
  readonly subnetIds?: readonly string[] | undefined;
  /** of each subnet, in the same order */
  readonly availabilityZones?: readonly string[] | undefined;
  readonly logRetention: RetentionDays;
}

/**
 * The network of the workers. A new one has only public subnets, and gateway endpoints for S3 and DynamoDB, which are
 * free: traffic to buckets of the same region stays inside AWS's network. All other traffic leaves through the
 * instance's public address, which costs half a cent an hour and only while a worker runs. NAT gateways and interface
 * endpoints cost around the clock, and a NAT also charges every byte that crosses the border. Nothing may connect to a
 * worker: the security group has no ingress rule, and Session Manager needs none. See
 * docs/decisions/0008-public-subnets-for-workers.md.
 */
export class WorkerNetwork extends Construct {
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;

  constructor(scope: Construct, id: string, props: WorkerNetworkProps) {
    super(scope, id);
    this.vpc = props.vpcId === undefined ? this.makeVpc(props.logRetention) : this.existingVpc(props.vpcId, props);
    // Outbound traffic may go anywhere: the other side may be any store, and its addresses are unknown.
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'S3 Ferry workers: nothing comes in',
      allowAllOutbound: true,
    });
  }

  private makeVpc(retention: RetentionDays): IVpc {
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/16'),
      maxAzs: 3,
      natGateways: 0,
      subnetConfiguration: [
        { name: 'Workers', subnetType: SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: true },
      ],
      // Emptying the default group, which nothing uses, would need a function with permissions of its own.
      restrictDefaultSecurityGroup: false,
    });
    vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
    vpc.addGatewayEndpoint('DynamoDb', { service: GatewayVpcEndpointAwsService.DYNAMODB });
    // Refused traffic only: accepted traffic is the workers' own, and logging it in a bulk run would be costly.
    vpc.addFlowLog('Refused', {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'FlowLogs', { retention, removalPolicy: RemovalPolicy.DESTROY }),
      ),
    });
    // The CDK's class declares "string | undefined" for a property that its interface declares as optional.
    return vpc as IVpc;
  }

  /** Described by its attributes: a look-up would need an account at synthesis. */
  private existingVpc(vpcId: string, { subnetIds, availabilityZones }: WorkerNetworkProps): IVpc {
    // No route is added to these subnets.
    Annotations.of(this).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId');
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones: [...(availabilityZones ?? [])],
      publicSubnetIds: [...(subnetIds ?? [])],
    });
  }
}
