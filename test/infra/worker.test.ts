import { beforeAll, describe, expect, it, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWorkerEnvironment } from '../../worker/environment.ts';
import { privateAuthority } from '../support/certificate.ts';
import { keyFor, own, permissionsOfRole } from '../support/permissions.ts';
import { plain, resourcesOf, runMain, synthesize, type Template } from '../support/synthesize.ts';

/** The worker pool, as deployed. */

const tasks = [
  {
    name: 'one',
    source: { bucket: 'from', prefix: 'in/' },
    destination: { bucket: 'into', prefix: 'out/' },
    events: 'create',
  },
  {
    name: 'abroad',
    source: { bucket: 'from', prefix: 'in/' },
    destination: { bucket: 'far', credentials: { ssmParameter: 'keys' } },
  },
];

/** The one resource of a type among the pool's. */
function only(template: Template, type: string): Record<string, unknown> {
  const found = resourcesOf(template, type);
  expect(found).toHaveLength(1);
  return plain(found[0]!.Properties) as Record<string, unknown>;
}

interface ScalingAlarm {
  readonly AlarmActions?: readonly string[];
  readonly Metrics?: readonly { readonly Expression?: string }[];
}

/** The alarms that change the size of the pool: growth first. */
function scalingAlarms(template: Template): ScalingAlarm[] {
  return resourcesOf(template, 'AWS::CloudWatch::Alarm')
    .map(({ Properties }) => plain(Properties) as ScalingAlarm)
    .filter(({ AlarmActions }) => AlarmActions?.[0]?.startsWith('<WorkersScaling'));
}

function expressionsOf(alarm: ScalingAlarm | undefined): (string | undefined)[] {
  return alarm?.Metrics?.map(({ Expression }) => Expression) ?? [];
}

/** The script of an instance's first start. */
function userData(template: Template): string {
  const [{ Properties } = { Properties: undefined }] = resourcesOf(template, 'AWS::EC2::LaunchTemplate');
  const { LaunchTemplateData } = Properties as { LaunchTemplateData: { UserData: { 'Fn::Base64': unknown } } };
  return String(plain(LaunchTemplateData.UserData['Fn::Base64']));
}

describe('workers alone, in a new network', () => {
  let template: Template;
  let text: string;
  beforeAll(() => {
    const configuration = { stack: { workerMode: 'ec2' }, tasks };
    text = runMain({ configuration }).text;
    template = JSON.parse(text) as Template;
  });

  it('has no function that takes jobs from the queue', () => {
    expect(resourcesOf(template, 'AWS::Lambda::EventSourceMapping')).toEqual([]);
  });

  it('has the same template in China', () => {
    const configuration = { stack: { workerMode: 'ec2' }, tasks };
    const environment = { AWS_REGION: 'cn-north-1', CDK_DEFAULT_REGION: 'cn-north-1' };
    expect(runMain({ configuration, environment }).text).toBe(text);
    const withoutServices = JSON.stringify(template, (key, value: unknown) =>
      // A service that may call a function is named by a text.
      key === 'Principal' || (typeof value === 'object' && value !== null && 'Service' in value) ? undefined : value,
    );
    expect(withoutServices).not.toMatch(/arn:aws|amazonaws\.com/);
  });

  it('has public subnets and gateway endpoints, no hourly cost, and no ingress', () => {
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::EIP']) expect(resourcesOf(template, type)).toEqual([]);
    const endpoints = resourcesOf(template, 'AWS::EC2::VPCEndpoint').map(({ Properties }) => plain(Properties));
    expect(endpoints).toEqual([
      expect.objectContaining({ ServiceName: 'com.amazonaws.<Region>.s3', VpcEndpointType: 'Gateway' }),
      expect.objectContaining({ ServiceName: 'com.amazonaws.<Region>.dynamodb', VpcEndpointType: 'Gateway' }),
    ]);
    const subnets = resourcesOf(template, 'AWS::EC2::Subnet').map(({ Properties }): unknown => Properties);
    expect(subnets.length).toBeGreaterThan(1);
    for (const subnet of subnets) expect(subnet).toMatchObject({ MapPublicIpOnLaunch: true });
    expect(only(template, 'AWS::EC2::SecurityGroup')).not.toHaveProperty('SecurityGroupIngress');
    expect(resourcesOf(template, 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
    expect(only(template, 'AWS::EC2::FlowLog')).toMatchObject({ TrafficType: 'REJECT' });
  });

  it('runs the latest Amazon Linux 2023 on Graviton, with IMDSv2, an encrypted disk and no SSH', () => {
    const { LaunchTemplateData: data } = only(template, 'AWS::EC2::LaunchTemplate') as {
      LaunchTemplateData: Record<string, unknown>;
    };
    expect(data).toMatchObject({
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      InstanceInitiatedShutdownBehavior: 'terminate',
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: true, VolumeType: 'gp3' } }],
    });
    expect(data).not.toHaveProperty('KeyName');
    expect(data['ImageId']).toMatch(/al2023.*arm64/);
  });

  it('has a spot group of zero to four instances, replaced ahead of an interruption', () => {
    const group = only(template, 'AWS::AutoScaling::AutoScalingGroup');
    expect(group).toMatchObject({
      MinSize: '0',
      MaxSize: '4',
      CapacityRebalance: true,
      MetricsCollection: [{ Granularity: '1Minute' }],
      MixedInstancesPolicy: {
        InstancesDistribution: {
          OnDemandPercentageAboveBaseCapacity: 0,
          SpotAllocationStrategy: 'price-capacity-optimized',
        },
      },
    });
    // A desired capacity would be set again at every deployment.
    expect(group).not.toHaveProperty('DesiredCapacity');
    const policy = group['MixedInstancesPolicy'] as { LaunchTemplate: { Overrides: { InstanceType: string }[] } };
    const types = policy.LaunchTemplate.Overrides.map(({ InstanceType }) => InstanceType);
    expect(types.length).toBeGreaterThan(3);
    // Graviton: a "g" after the generation.
    for (const type of types) expect(type).toMatch(/^[a-z]+[0-9]g[a-z]*\./);
  });

  it('adds workers by their load, and removes those that are spare', () => {
    const policies = resourcesOf(template, 'AWS::AutoScaling::ScalingPolicy').map(
      ({ Properties }): unknown => Properties,
    );
    expect(policies).toEqual([
      expect.objectContaining({
        AdjustmentType: 'ChangeInCapacity',
        MetricAggregationType: 'Maximum',
        StepAdjustments: [
          { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 1800, ScalingAdjustment: 1 },
          { MetricIntervalLowerBound: 1800, MetricIntervalUpperBound: 19800, ScalingAdjustment: 2 },
          { MetricIntervalLowerBound: 19800, ScalingAdjustment: 4 },
        ],
      }),
      expect.objectContaining({
        AdjustmentType: 'PercentChangeInCapacity',
        MetricAggregationType: 'Minimum',
        StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: -20 }],
      }),
    ]);
    const [load, spare] = scalingAlarms(template);
    expect(load).toMatchObject({
      Threshold: 200,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      EvaluationPeriods: 3,
      DatapointsToAlarm: 1,
      AlarmActions: ['<WorkersScalingJoinIn>'],
      TreatMissingData: 'notBreaching',
    });
    expect(expressionsOf(load)).toContain(
      'IF(pool > 0 OR total >= 200, total / IF(pool > 0, pool, 1), IF(total > 0, 200, 0))',
    );
    expect(spare).toMatchObject({
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      EvaluationPeriods: 10,
      DatapointsToAlarm: 10,
      // The stack's alarm "All done" notifies people; this one would notify them a second time.
      AlarmActions: ['<WorkersScalingLeave>'],
      TreatMissingData: 'ignore',
    });
    expect(expressionsOf(spare)).toContain('workers - IF(total > 20, total / 20, IF(total > 0, 1, 0))');
  });

  it('grants the role exactly the calls of the worker, on the buckets of the tasks', () => {
    const parameters = 'arn:<Partition>:ssm:<Region>:<AccountId>:parameter';
    const role = Object.keys(template.Resources).find((id) => /^WorkersRole[0-9A-F]{8}$/.test(id)) ?? '';
    const permissions = permissionsOfRole(template, role);
    const code =
      Object.keys(permissions).find((resource) => /^arn:<Partition>:s3:::.*\.zip of <AccountId>$/.test(resource)) ?? '';
    // The key of a bootstrap with one.
    const codeKey = Object.keys(permissions).find((key) => key.includes(':kms:<Region>:<AccountId>:key/*')) ?? '';
    const consume = ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage', 'sqs:SendMessage'];
    expect(permissions).toEqual({
      [`${parameters}/s3-ferry/S3Ferry/tasks`]: ['ssm:GetParametersByPath'],
      [`${parameters}/s3-ferry/S3Ferry/tasks/*`]: ['ssm:GetParameter'],
      [`${parameters}/keys`]: ['ssm:GetParameter'],
      '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      '<QueuesJobs.Arn>': consume,
      '<QueuesEvents.Arn>': consume,
      '<QueuesDeadLetters.Arn>': ['sqs:SendMessage'],
      [`arn:<Partition>:s3:::from${own}`]: ['s3:ListBucket'],
      [`arn:<Partition>:s3:::from/in/*${own}`]: [
        's3:GetObject',
        's3:GetObjectTagging',
        's3:GetObjectVersion',
        's3:GetObjectVersionTagging',
      ],
      [`arn:<Partition>:s3:::into${own}`]: ['s3:ListBucket'],
      [`arn:<Partition>:s3:::into/out/*${own}`]: [
        's3:AbortMultipartUpload',
        's3:GetObject',
        's3:ListMultipartUploadParts',
        's3:PutObject',
        's3:PutObjectTagging',
      ],
      [keyFor(['from'])]: ['kms:Decrypt'],
      [keyFor(['into'])]: ['kms:Decrypt', 'kms:GenerateDataKey'],
      [code]: ['s3:GetObject'],
      [codeKey]: ['kms:Decrypt'],
      '<WorkersLogs.Arn>': ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      // Session Manager: none of these calls has a resource.
      '*': [
        'ssm:UpdateInstanceInformation',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
      ],
    });
    const trust = plain(template.Resources[role]!.Properties) as { AssumeRolePolicyDocument: unknown };
    expect(JSON.stringify(trust.AssumeRolePolicyDocument)).toContain('"ec2.<URLSuffix>"');
  });

  describe('the first start of an instance', () => {
    it('is a valid bash script', () => {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: userData(template), encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    });

    it('goes on if the tuning fails', () => {
      const script = userData(template);
      const directory = mkdtempSync(join(tmpdir(), 's3-ferry-tuning-'));
      const tuning = script
        .slice(script.indexOf('set -euo'), script.indexOf('retry dnf'))
        .replace(/\/etc\/[a-z-]+\.d/g, directory);
      const failing = ['modprobe', 'sysctl', 'shutdown', 'sleep'].map((name) => `${name}() { return 1; }`).join('\n');
      const { status, stdout } = spawnSync('bash', ['-c', `${failing}\n${tuning}\necho goes on`], { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: expect.stringMatching(/not tuned: modprobe[^]*goes on/),
      });
      rmSync(directory, { recursive: true });
      expect(stdout).not.toContain('cannot be set up');
    });

    it('reaches the network through a proxy, and trusts a private authority, from its first command on', () => {
      const worker = {
        proxy: 'http://proxy.example.com:3128',
        noProxy: ['.amazonaws.com', '10.0.0.0/8'],
        certificateAuthority: privateAuthority,
      };
      const script = userData(synthesize({ configuration: { stack: { workerMode: 'ec2', worker }, tasks } }));
      expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
      const direct = '169.254.169.254,localhost,127.0.0.1,.amazonaws.com,10.0.0.0/8';
      const first = script.slice(0, script.indexOf('retry dnf'));
      expect(first).toContain(`s3-ferry.pem <<'S3_FERRY_END'\n${privateAuthority}\nS3_FERRY_END\nupdate-ca-trust\n`);
      for (const name of ['https_proxy', 'HTTPS_PROXY', 'HTTP_PROXY']) {
        expect(first).toContain(`export ${name}='http://proxy.example.com:3128'\n`);
      }
      expect(first).toContain(`export no_proxy='${direct}'\n`);
      expect(first).toContain("export AWS_CA_BUNDLE='/etc/pki/tls/certs/ca-bundle.crt'\n");
      expect(script).toContain(`\nHTTPS_PROXY=http://proxy.example.com:3128\n`);
      expect(script).toContain(`\nNO_PROXY=${direct}\n`);
      expect(script).toContain(`[proxy]\nhttp_proxy = "http://proxy.example.com:3128"\n`);
      expect(userData(template)).not.toMatch(/proxy|AWS_CA_BUNDLE|ca-trust/i);
    });

    it('loads BBR, installs Node 24 and the agent, and starts the service as its own user', () => {
      const script = userData(template);
      expect(script).toContain('modprobe tcp_bbr');
      expect(script).toContain('sysctl -p /etc/sysctl.d/90-s3-ferry.conf');
      expect(script).toContain('net.core.default_qdisc=fq\nnet.ipv4.tcp_congestion_control=bbr');
      expect(script).toContain('dnf install -y nodejs24 amazon-cloudwatch-agent');
      expect(script).toMatch(/aws s3 cp "s3:\/\/.*\.zip" .* --region "<Region>"/);
      for (const line of [
        'User=s3-ferry',
        'Restart=always',
        'KillMode=mixed',
        'TimeoutStopSec=110',
        'ProtectSystem=strict',
      ]) {
        expect(script).toContain(`\n${line}\n`);
      }
      expect(script).toContain('ExecStart=/usr/bin/node-24 /opt/s3-ferry/index.mjs');
      expect(script).toContain('systemctl enable --now s3-ferry-worker.service');
      expect(script).toContain('"log_group_name":"<WorkersLogs>"');
    });

    it('writes variables that the worker accepts', () => {
      const [, variables = ''] = /worker\.env <<'S3_FERRY_END'\n(.*?)\nS3_FERRY_END/s.exec(userData(template)) ?? [];
      const source = Object.fromEntries(
        variables.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      );
      const environment = readWorkerEnvironment(source, { processors: 2, memoryBytes: 4 * 1024 ** 3 });
      expect(environment).toMatchObject({
        TASKS_PATH: '/s3-ferry/S3Ferry/tasks/',
        QUEUE_URL: '<QueuesJobs>',
        EVENTS_QUEUE_URL: '<QueuesEvents>',
        DEAD_LETTER_QUEUE_URL: '<QueuesDeadLetters>',
        LEDGER_TABLE: '<LedgerTable>',
        DRAIN_SECONDS: 90,
        PROCESSES: 2,
        MEMORY_MIB: 2048,
      });
    });
  });
});

describe('workers beside Lambda, in an existing network', () => {
  let template: Template;
  beforeAll(() => {
    const worker = {
      vpcId: 'vpc-0a1b2c3d4e5f60718',
      subnetIds: ['subnet-0a1b2c3d4e5f60718', 'subnet-1a1b2c3d4e5f60718'],
      availabilityZones: ['us-east-1a', 'us-east-1b'],
      instanceTypes: ['c7gn.xlarge'],
      maxInstances: 1,
      spot: false,
      objectsAtOnce: 3,
    };
    template = synthesize({ configuration: { stack: { workerMode: 'both', worker }, tasks } });
  });

  it('lets both take jobs from the queue', () => {
    expect(resourcesOf(template, 'AWS::Lambda::EventSourceMapping')).toHaveLength(2);
  });

  it('scales by what is left to workers, and by what they have in hand', () => {
    const [load, spare] = scalingAlarms(template).map(expressionsOf);
    // 100 calls of 10 messages.
    expect(load).toContain('IF(messages > 1000, messages - 1000, 0)');
    expect(load).toContain('IF(pool > 0 OR total >= 1000, total / IF(pool > 0, pool, 1), 0)');
    // Three objects at once in each of two processes.
    expect(spare).toContain('workers - IF(total > 4, total / 4, 0)');
  });

  it('creates only a security group in the network', () => {
    for (const type of ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::EC2::VPCEndpoint', 'AWS::EC2::FlowLog']) {
      expect(resourcesOf(template, type)).toEqual([]);
    }
    expect(only(template, 'AWS::EC2::SecurityGroup')).toMatchObject({ VpcId: 'vpc-0a1b2c3d4e5f60718' });
  });

  it('applies the settings', () => {
    expect(only(template, 'AWS::AutoScaling::AutoScalingGroup')).toMatchObject({
      MaxSize: '1',
      CapacityRebalance: false,
      VPCZoneIdentifier: ['subnet-0a1b2c3d4e5f60718', 'subnet-1a1b2c3d4e5f60718'],
      MixedInstancesPolicy: {
        InstancesDistribution: { OnDemandPercentageAboveBaseCapacity: 100 },
        LaunchTemplate: { Overrides: [{ InstanceType: 'c7gn.xlarge' }] },
      },
    });
    expect(userData(template)).toContain('\nOBJECTS_AT_ONCE=3\n');
  });
});

test('a stack without workers has none of their resources and does not need their bundle', () => {
  const template = synthesize({ configuration: { tasks }, without: 'worker' });
  expect(Object.keys(template.Resources).filter((id) => id.startsWith('Workers'))).toEqual([]);
});
