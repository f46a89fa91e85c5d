import { file } from './script.ts';
import { agentNetwork, machineNetwork, type MachineProxy } from './machine-network.ts';

/** The settings of a worker's instance. Values may be CloudFormation's, known only at deployment. */
export interface WorkerSetup {
  readonly codeBucket: string;
  readonly codeKey: string;
  readonly region: string;
  readonly logGroup: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly proxy?: MachineProxy | undefined;
  /** certificates, in PEM, that are trusted beside the public ones */
  readonly certificateAuthority?: string | undefined;
}

/** Seconds that systemd gives the worker: the 90 of its drain, and some to end. A spot notice gives 120. */
export const stopSeconds = 110;
export const drainSeconds = 90;

/** The worker's output: JSON lines, including metrics. */
const logFile = '/var/log/s3-ferry/worker.log';

/**
 * The systemd unit. At run time the worker needs only the network and one directory. MemoryDenyWriteExecute is left out
 * because V8 compiles at run time.
 */
const unit = `[Unit]
Description=S3 Ferry worker
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
User=s3-ferry
Group=s3-ferry
EnvironmentFile=/etc/s3-ferry/worker.env
ExecStart=/usr/bin/node-24 /opt/s3-ferry/index.mjs
Restart=always
RestartSec=5
# SIGTERM to the primary process only: it tells the others.
KillMode=mixed
TimeoutStopSec=${stopSeconds}
StandardOutput=append:${logFile}
StandardError=append:${logFile}
RuntimeDirectory=s3-ferry
LimitNOFILE=65536
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
PrivateTmp=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target`;

const logRotation = `${logFile} {
  daily
  maxsize 100M
  rotate 3
  missingok
  notifempty
  copytruncate
}`;

/**
 * The script of an instance's first start. Node.js 24 and the CloudWatch agent come from Amazon Linux's own
 * repositories, which are buckets of the region. A machine whose setup fails terminates, because it would cost money
 * and do nothing; the group starts another one. Tuning may fail: a machine without it is only slower.
 */
export function userDataOf({ codeBucket, codeKey, region, logGroup, environment, ...setup }: WorkerSetup): string {
  const network = machineNetwork(setup.proxy, setup.certificateAuthority);
  const agent = {
    agent: { region },
    logs: {
      logs_collected: {
        files: {
          // CloudWatch extracts metrics from every event in the embedded metric format, from any sender.
          collect_list: [{ file_path: logFile, log_group_name: logGroup, log_stream_name: '{instance_id}' }],
        },
      },
    },
  };
  const variables = Object.entries({ ...environment, ...network.variables }).map(([name, value]) => `${name}=${value}`);
  return [
    '#!/bin/bash',
    'set -euo pipefail',
    "trap 'echo s3-ferry: this machine cannot be set up and ends; sleep 30; shutdown -h now' ERR",
    'retry() { for pause in 2 5 10 20; do "$@" && return 0; sleep "$pause"; done; "$@"; }',
    '',
    '# BBR: Amazon Linux has it and does not load it. Lines across borders lose packets without being full.',
    "printf 'tcp_bbr\\nsch_fq\\n' > /etc/modules-load.d/bbr.conf",
    tune('modprobe tcp_bbr'),
    tune('modprobe sch_fq'),
    ...file('/etc/sysctl.d/90-s3-ferry.conf', [
      'net.core.default_qdisc=fq',
      'net.ipv4.tcp_congestion_control=bbr',
      '# 64 MiB: 2 Gbit/s over 250 ms on one connection.',
      'net.ipv4.tcp_rmem=4096 131072 67108864',
      'net.ipv4.tcp_wmem=4096 65536 67108864',
    ]),
    tune('sysctl -p /etc/sysctl.d/90-s3-ferry.conf'),
    '',
    ...network.lines,
    'retry dnf install -y nodejs24 amazon-cloudwatch-agent unzip',
    'id s3-ferry || useradd --system --no-create-home --shell /sbin/nologin s3-ferry',
    'install -d -m 0755 /opt/s3-ferry /etc/s3-ferry',
    'install -d -m 0750 -o s3-ferry -g s3-ferry /var/log/s3-ferry',
    `retry aws s3 cp "s3://${codeBucket}/${codeKey}" /tmp/s3-ferry.zip --region "${region}"`,
    'unzip -o -q /tmp/s3-ferry.zip -d /opt/s3-ferry',
    'rm /tmp/s3-ferry.zip',
    'chmod -R a+rX /opt/s3-ferry',
    ...file('/etc/s3-ferry/worker.env', variables),
    ...file('/etc/s3-ferry/cloudwatch-agent.json', [JSON.stringify(agent)]),
    ...agentNetwork(setup.proxy),
    ...file('/etc/logrotate.d/s3-ferry', [logRotation]),
    ...file('/etc/systemd/system/s3-ferry-worker.service', [unit]),
    '',
    '/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s ' +
      '-c file:/etc/s3-ferry/cloudwatch-agent.json',
    'systemctl daemon-reload',
    'systemctl enable --now s3-ferry-worker.service',
    '',
  ].join('\n');
}

/** A command that may fail; the log of the first start says so. */
function tune(command: string): string {
  return `${command} || echo "s3-ferry: not tuned: ${command}"`;
}
