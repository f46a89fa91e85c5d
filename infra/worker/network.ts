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

/** An existing network: all three, or none, which makes a new one. */
export interface WorkerNetworkProps {
  readonly vpcId?: string | undefined;
  /** subnets that reach S3, SQS, DynamoDB, SSM and CloudWatch Logs by whatever way they have */
  readonly subnetIds?: readonly string[] | undefined;
  /** of each subnet, in the same order */
  readonly availabilityZones?: readonly string[] | undefined;
  readonly logRetention: RetentionDays;
}

/**
 * Where workers run. A new network has public subnets only, and gateway endpoints for S3 and DynamoDB, which cost
 * nothing: what goes to buckets of the own region never leaves AWS's network. All else goes out by the instance's own
 * public address, which costs less than half a cent an hour and only while a worker runs; NAT gateways and interface
 * endpoints cost around the clock, and a NAT every byte that crosses the border besides. Nothing comes in: the
 * security group has no ingress rule, and Session Manager needs none.
 */
export class WorkerNetwork extends Construct {
  readonly vpc: IVpc;
  readonly securityGroup: ISecurityGroup;

  constructor(scope: Construct, id: string, props: WorkerNetworkProps) {
    super(scope, id);
    this.vpc = props.vpcId === undefined ? this.makeVpc(props.logRetention) : this.existingVpc(props.vpcId, props);
    // Out it may go anywhere: the other side is any store, and its addresses are not known.
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
      // A function with permissions of its own would be needed to empty a group that nothing is in.
      restrictDefaultSecurityGroup: false,
    });
    vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
    vpc.addGatewayEndpoint('DynamoDb', { service: GatewayVpcEndpointAwsService.DYNAMODB });
    // What was refused: what is let through is all the workers' own, and would cost as much as the logs of a bulk run.
    vpc.addFlowLog('Refused', {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'FlowLogs', { retention, removalPolicy: RemovalPolicy.DESTROY }),
      ),
    });
    // The CDK's own class says "string | undefined" where its interface says "string?".
    return vpc as IVpc;
  }

  /** By its attributes: looking it up would need an account at synthesis. */
  private existingVpc(vpcId: string, { subnetIds, availabilityZones }: WorkerNetworkProps): IVpc {
    // Nothing is routed here.
    Annotations.of(this).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId');
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones: [...(availabilityZones ?? [])],
      publicSubnetIds: [...(subnetIds ?? [])],
    });
  }
}
