import { file } from './script.ts';

/** How a worker's machine reaches the network: for the commands of its first start, the agent, and the worker. */

export interface MachineProxy {
  /** `http://HOST:PORT`, without user and password */
  readonly url: string;
  /** hosts, domains and networks that are reached directly */
  readonly direct: readonly string[];
}

/** Credentials and notices come from the machine's own host, for every program on it. */
const always = ['169.254.169.254', 'localhost', '127.0.0.1'];

/** Amazon Linux's bundle of all certificates that the machine trusts; update-ca-trust writes it. */
const bundle = '/etc/pki/tls/certs/ca-bundle.crt';
const anchor = '/etc/pki/ca-trust/source/anchors/s3-ferry.pem';

/**
 * The variables of the worker, and the lines of the script that set them for its own commands too: dnf (by libcurl,
 * which reads the small letters) and the AWS command line, which needs the certificates named.
 */
export function machineNetwork(
  proxy: MachineProxy | undefined,
  certificateAuthority: string | undefined,
): { variables: Record<string, string>; lines: string[] } {
  const noProxy = [...always, ...(proxy?.direct ?? [])].join(',');
  const variables = {
    ...(proxy && { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: noProxy }),
    ...(certificateAuthority !== undefined && { AWS_CA_BUNDLE: bundle }),
  };
  const own = {
    ...variables,
    ...(proxy && { https_proxy: proxy.url, http_proxy: proxy.url, no_proxy: noProxy }),
  };
  const trust = certificateAuthority === undefined ? [] : file(anchor, [certificateAuthority.trimEnd()]);
  return {
    variables,
    lines: [
      ...trust,
      ...(trust.length > 0 ? ['update-ca-trust'] : []),
      ...Object.entries(own).map(([name, value]) => `export ${name}='${value}'`),
    ],
  };
}

/** The CloudWatch agent reads its proxy from a file ("Modify the common configuration for proxy or Region"). */
export function agentNetwork(proxy: MachineProxy | undefined): string[] {
  if (!proxy) return [];
  const noProxy = [...always, ...proxy.direct].join(',');
  return file('/opt/aws/amazon-cloudwatch-agent/etc/common-config.toml', [
    '[proxy]',
    `http_proxy = "${proxy.url}"`,
    `https_proxy = "${proxy.url}"`,
    `no_proxy = "${noProxy}"`,
  ]);
}
