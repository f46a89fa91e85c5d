/** Reads the notice that EC2 will end this instance, with version 2 of the instance metadata service. */

/** How long a token is valid: the maximum that the service allows. */
const tokenLifetimeSeconds = 21_600;
/** How long an answer may take: the service runs on the same host. */
const timeoutMillis = 1_000;

/**
 * Two minutes before the end (Amazon EC2 User Guide: Spot Instance interruption notices). A rebalance recommendation is
 * none: the Auto Scaling group tries to start another instance, and ends this one when the other is healthy (Amazon EC2
 * Auto Scaling User Guide: Capacity Rebalancing). If it finds none, this one goes on working.
 */
const paths = { 'spot interruption': '/latest/meta-data/spot/instance-action' } as const;

export type Notice = keyof typeof paths;

/** A client of the metadata service. */
export class Notices {
  readonly #url: string;
  #token: string | undefined;

  /** @param url base URL of the service, without a trailing slash */
  constructor(url: string) {
    this.#url = url;
  }

  /** @returns the notice, if there is one. @throws if the service does not answer */
  async check(): Promise<Notice | undefined> {
    for (const notice of Object.keys(paths) as Notice[]) {
      if (await this.#exists(paths[notice])) return notice;
    }
    return undefined;
  }

  async #exists(path: string): Promise<boolean> {
    this.#token ??= await this.#fetchToken();
    const headers = { 'X-aws-ec2-metadata-token': this.#token };
    const answer = await fetch(this.#url + path, { headers, signal: AbortSignal.timeout(timeoutMillis) });
    await answer.arrayBuffer();
    // The token expired; the next check fetches a new one.
    if (answer.status === 401) this.#token = undefined;
    if (answer.status !== 200 && answer.status !== 401 && answer.status !== 404) {
      throw new Error(`the metadata service answered ${answer.status} to ${path}`);
    }
    return answer.status === 200;
  }

  async #fetchToken(): Promise<string> {
    const answer = await fetch(`${this.#url}/latest/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(tokenLifetimeSeconds) },
      signal: AbortSignal.timeout(timeoutMillis),
    });
    const token = await answer.text();
    if (answer.status !== 200)
      throw new Error(`the metadata service answered ${answer.status} to the request for a token`);
    return token;
  }
}
