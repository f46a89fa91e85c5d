import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import {
  AutoScalingGroup,
  GroupMetrics,
  HealthChecks,
  OnDemandAllocationStrategy,
  ScalingEvents,
  SpotAllocationStrategy,
  UpdatePolicy,
} from 'aws-cdk-lib/aws-autoscaling';
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceInitiatedShutdownBehavior,
  InstanceType,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  MachineImage,
  UserData,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { WorkerKey } from '../../worker/environment.ts';
import { maxReceives } from '../../shared/model/limits.ts';
import { defaultMetricsNamespace, workerService } from '../../shared/model/metrics.ts';
import { bundleOf, type Pipeline } from '../function.ts';
import { WorkerNetwork } from './network.ts';
import { workerRole } from './role.ts';
import { WorkerScaling } from './scaling.ts';
import { drainSeconds, userDataOf } from './user-data.ts';

export interface WorkerPoolProps {
  readonly pipeline: Pipeline;
  /** an existing VPC, with `subnetIds` and `availabilityZones`; without it one is made */
  readonly vpcId?: string | undefined;
  readonly subnetIds?: readonly string[] | undefined;
  readonly availabilityZones?: readonly string[] | undefined;
  /** Graviton types; by default {@link defaultInstanceTypes} */
  readonly instanceTypes?: readonly string[] | undefined;
  readonly maxInstances: number;
  /** spot instances; on demand otherwise */
  readonly spot: boolean;
  /** messages that one process has in hand; by default the worker's own */
  readonly objectsAtOnce?: number | undefined;
  /** days that logs are kept, one of CloudWatch's values; a month by default */
  readonly logRetention?: RetentionDays | undefined;
  /** namespace of the worker's metrics; by default S3Ferry */
  readonly metricsNamespace?: string | undefined;
  /** is told of instances that come and go */
  readonly topic?: ITopic | undefined;
}

/** Many, so that there is always one with spare capacity; two processors are what one object's parts keep busy. */
export const defaultInstanceTypes = ['c7g.large', 'c6g.large', 'm7g.large', 'm6g.large', 'r7g.large', 'r6g.large'];

/** Machines that take jobs of any size from the queue, from none to as many as there is work for. */
export class WorkerPool extends Construct {
  readonly group: AutoScalingGroup;
  readonly logs: LogGroup;
  readonly scaling: WorkerScaling;

  constructor(scope: Construct, id: string, props: WorkerPoolProps) {
    super(scope, id);
    const { pipeline, spot, maxInstances, topic } = props;
    const logRetention = props.logRetention ?? RetentionDays.ONE_MONTH;
    const { vpc, securityGroup } = new WorkerNetwork(this, 'Network', { ...props, logRetention });
    const code = new Asset(this, 'Code', { path: bundleOf(pipeline.bundles, 'worker') });
    this.logs = new LogGroup(this, 'Logs', { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY });
    const userData = userDataOf({
      codeBucket: code.s3BucketName,
      codeKey: code.s3ObjectKey,
      region: Stack.of(this).region,
      logGroup: this.logs.logGroupName,
      environment: environmentOf(this, props),
    });
    const launchTemplate = new LaunchTemplate(this, 'Template', {
      machineImage: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
      role: workerRole(this, pipeline, code, this.logs),
      securityGroup,
      userData: UserData.custom(userData),
      requireImdsv2: true,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // The processes ask for credentials and notices from the machine itself, not from a container.
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      // A machine that cannot be set up shuts itself down.
      instanceInitiatedShutdownBehavior: InstanceInitiatedShutdownBehavior.TERMINATE,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(10, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
    this.group = new AutoScalingGroup(this, 'Group', {
      vpc,
      vpcSubnets: { subnets: vpc.publicSubnets },
      minCapacity: 0,
      maxCapacity: maxInstances,
      mixedInstancesPolicy: {
        launchTemplate,
        launchTemplateOverrides: (props.instanceTypes ?? defaultInstanceTypes).map((type) => ({
          instanceType: new InstanceType(type),
        })),
        instancesDistribution: {
          onDemandPercentageAboveBaseCapacity: spot ? 0 : 100,
          onDemandAllocationStrategy: OnDemandAllocationStrategy.LOWEST_PRICE,
          ...(spot && { spotAllocationStrategy: SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED }),
        },
      },
      // Another instance comes before one at risk goes; that one drains on the recommendation.
      capacityRebalance: spot,
      healthChecks: HealthChecks.ec2({ gracePeriod: Duration.minutes(5) }),
      groupMetrics: [GroupMetrics.all()],
      notifications: topic ? [{ topic, scalingEvents: ScalingEvents.ALL }] : [],
      // New code or settings: running workers drain and are replaced.
      updatePolicy: UpdatePolicy.rollingUpdate({ minInstancesInService: 0 }),
    });
    Validations.of(this.group).acknowledge(
      {
        id: 'AwsSolutions-EC26',
        reason: 'The disk is encrypted by the launch template; the check looks for launch configurations',
      },
      ...(topic ? [] : [{ id: 'AwsSolutions-AS3', reason: 'Without a topic there is nobody to tell' }]),
    );
    this.scaling = new WorkerScaling(this, 'Scaling', {
      group: this.group,
      jobs: pipeline.queues.jobs,
      maxInstances,
    });
  }
}

function environmentOf(
  scope: Construct,
  { pipeline, objectsAtOnce, metricsNamespace = defaultMetricsNamespace }: WorkerPoolProps,
): Record<string, string> {
  const { region } = Stack.of(scope);
  const own = {
    TASKS_PATH: pipeline.tasks.path,
    LEDGER_TABLE: pipeline.ledger.table.tableName,
    QUEUE_URL: pipeline.queues.jobs.queueUrl,
    DEAD_LETTER_QUEUE_URL: pipeline.queues.deadLetters.queueUrl,
    MAX_RECEIVES: String(maxReceives),
    DRAIN_SECONDS: String(drainSeconds),
    HEALTH_FILE: '/run/s3-ferry/health.json',
    ...(objectsAtOnce !== undefined && { OBJECTS_AT_ONCE: String(objectsAtOnce) }),
  } satisfies Partial<Record<WorkerKey, string>>;
  return {
    ...own,
    AWS_REGION: region,
    POWERTOOLS_SERVICE_NAME: workerService,
    POWERTOOLS_METRICS_NAMESPACE: metricsNamespace,
    POWERTOOLS_LOG_LEVEL: 'INFO',
  };
}
