import { createHash, createHmac } from 'node:crypto';

/**
 * The function of a custom resource that sets a bucket's notifications. It signs its request by hand, because loading
 * the SDK into the execution environment would take most of the time of a deployment.
 */

interface CustomResourceRequest {
  readonly ResponseURL: string;
  readonly ResourceProperties: { readonly BucketName: string; readonly QueueArn: string };
}

export async function handler({ ResponseURL, ResourceProperties }: CustomResourceRequest): Promise<void> {
  const { BucketName, QueueArn } = ResourceProperties;
  const queue = `<Queue>${QueueArn}</Queue><Event>s3:ObjectCreated:*</Event>`;
  const answer = await putNotifications(
    BucketName,
    `<NotificationConfiguration><QueueConfiguration>${queue}</QueueConfiguration></NotificationConfiguration>`,
  );
  const reason = /<Code>(.*?)<\/Code>/.exec(await answer.text())?.[1] ?? '';
  const body = answer.ok ? { Status: 'SUCCESS' } : { Status: 'FAILED', Reason: `${reason}: bucket "${BucketName}"` };
  await fetch(ResponseURL, { method: 'PUT', body: JSON.stringify(body) });
}

async function putNotifications(bucket: string, body: string): Promise<Response> {
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const url = new URL(`/${bucket}?notification=`, AWS_ENDPOINT_URL);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers = {
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
    'x-amz-security-token': AWS_SESSION_TOKEN ?? '',
  };
  const lines = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}:${value}`);
  const names = 'host;x-amz-content-sha256;x-amz-date;x-amz-security-token';
  const canonical = ['PUT', url.pathname, 'notification=', ...lines, '', names, sha256(body)].join('\n');
  const scope = [day, AWS_REGION, 's3', 'aws4_request'];
  const key = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part ?? ''), `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n'));
  const credential = `Credential=${AWS_ACCESS_KEY_ID}/${scope.join('/')}`;
  const signed = `SignedHeaders=${names}, Signature=${signature.toString('hex')}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, ${signed}`;
  return fetch(url, { method: 'PUT', body, headers: { ...headers, authorization } });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
