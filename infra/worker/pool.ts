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
  /** messages that functions have in hand at most; 0 if only workers take jobs */
  readonly functionsInHand: number;
  /** an existing VPC, with `subnetIds` and `availabilityZones`; a new one by default */
  readonly vpcId?: string | undefined;
  readonly subnetIds?: readonly string[] | undefined;
  readonly availabilityZones?: readonly string[] | undefined;
  /** Graviton types; by default {@link defaultInstanceTypes} */
  readonly instanceTypes?: readonly string[] | undefined;
  readonly maxInstances: number;
  /** spot instances; on demand otherwise */
  readonly spot: boolean;
  /** `http://HOST:PORT`; by default the network is reached directly */
  readonly proxy?: string | undefined;
  /** what is reached directly beside a proxy */
  readonly noProxy?: readonly string[] | undefined;
  /** certificates, in PEM, that are trusted beside the public ones */
  readonly certificateAuthority?: string | undefined;
  /** messages that one process handles at once; by default the worker's own number */
  readonly objectsAtOnce?: number | undefined;
  /** how long logs are kept; by default a month */
  readonly logRetention?: RetentionDays | undefined;
  /** namespace of the worker's metrics; by default S3Ferry */
  readonly metricsNamespace?: string | undefined;
  /** notified of instances that cannot be started or ended */
  readonly topic?: ITopic | undefined;
}

/** CloudFormation's most instances in one step of an update. */
const maxBatch = 100;

/** Several, so that one of them has spare capacity. The parts of one object keep two processors busy. */
export const defaultInstanceTypes = ['c7g.large', 'c6g.large', 'm7g.large', 'm6g.large', 'r7g.large', 'r6g.large'];

/** A group of instances that take jobs of any size from the queue. It grows with the work, from zero. */
export class WorkerPool extends Construct {
  readonly group: AutoScalingGroup;
  readonly logs: LogGroup;

  constructor(scope: Construct, id: string, props: WorkerPoolProps) {
    super(scope, id);
    const logRetention = props.logRetention ?? RetentionDays.ONE_MONTH;
    const network = new WorkerNetwork(this, 'Network', { ...props, logRetention });
    const code = new Asset(this, 'Code', { path: bundleOf(props.pipeline.bundles, 'worker') });
    this.logs = new LogGroup(this, 'Logs', { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY });
    this.group = this.instances(props, network, this.template(props, network, code));
    new WorkerScaling(this, 'Scaling', {
      group: this.group,
      queues: props.pipeline.queues,
      consumers: props,
      maxInstances: props.maxInstances,
    });
  }

  /** What each instance is started with. */
  private template(props: WorkerPoolProps, { securityGroup }: WorkerNetwork, code: Asset): LaunchTemplate {
    const userData = userDataOf({
      codeBucket: code.s3BucketName,
      codeKey: code.s3ObjectKey,
      region: Stack.of(this).region,
      logGroup: this.logs.logGroupName,
      environment: environmentOf(this, props),
      proxy: props.proxy === undefined ? undefined : { url: props.proxy, direct: props.noProxy ?? [] },
      certificateAuthority: props.certificateAuthority,
    });
    return new LaunchTemplate(this, 'Template', {
      machineImage: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
      role: workerRole(this, props.pipeline, code, this.logs),
      securityGroup,
      userData: UserData.custom(userData),
      requireImdsv2: true,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // The processes read credentials and notices on the machine itself, not in a container.
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      // A machine whose setup fails shuts itself down.
      instanceInitiatedShutdownBehavior: InstanceInitiatedShutdownBehavior.TERMINATE,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(10, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
  }

  private instances(
    { spot, maxInstances, instanceTypes = defaultInstanceTypes, topic }: WorkerPoolProps,
    { vpc }: WorkerNetwork,
    launchTemplate: LaunchTemplate,
  ): AutoScalingGroup {
    const group = new AutoScalingGroup(this, 'Group', {
      vpc,
      vpcSubnets: { subnets: vpc.publicSubnets },
      minCapacity: 0,
      maxCapacity: maxInstances,
      mixedInstancesPolicy: {
        launchTemplate,
        launchTemplateOverrides: instanceTypes.map((type) => ({ instanceType: new InstanceType(type) })),
        instancesDistribution: {
          onDemandPercentageAboveBaseCapacity: spot ? 0 : 100,
          onDemandAllocationStrategy: OnDemandAllocationStrategy.LOWEST_PRICE,
          ...(spot && { spotAllocationStrategy: SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED }),
        },
      },
      // A replacement is healthy before an instance at risk is ended; that one works until then (worker/notice.ts).
      capacityRebalance: spot,
      healthChecks: HealthChecks.ec2({ gracePeriod: Duration.minutes(5) }),
      groupMetrics: [GroupMetrics.all()],
      notifications: topic ? [{ topic, scalingEvents: ScalingEvents.ERRORS }] : [],
      // New code or settings: running workers drain, all at once, and are replaced.
      updatePolicy: UpdatePolicy.rollingUpdate({
        minInstancesInService: 0,
        maxBatchSize: Math.min(maxInstances, maxBatch),
      }),
    });
    Validations.of(group).acknowledge(
      {
        id: 'AwsSolutions-EC26',
        reason: 'The disk is encrypted by the launch template; the check looks for launch configurations',
      },
      { id: 'AwsSolutions-AS3', reason: 'Starts and ends are the work of the group; only what fails needs a person' },
    );
    return group;
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
    EVENTS_QUEUE_URL: pipeline.queues.events.queueUrl,
    DEAD_LETTER_QUEUE_URL: pipeline.queues.deadLetters.queueUrl,
    MAX_RECEIVES: String(maxReceives),
    GIVE_UP_AFTER_SECONDS: String(pipeline.settings.giveUpAfterHours * 3600),
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
