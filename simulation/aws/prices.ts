/**
 * List prices of us-east-1 in US dollars, November 2026, without free tiers: the table of docs/deployment.md ("Cost"),
 * which is from the price pages of the services.
 */
export const pricePerUnit = {
  lambdaGigabyteSeconds: 0.0000133334,
  lambdaCalls: 0.2e-6,
  sqsRequests: 0.4e-6,
  dynamoWrites: 0.625e-6,
  dynamoReads: 0.125e-6,
  /** each state that is entered, and each retry (Step Functions pricing: "including retries") */
  transitions: 25e-6,
  s3Writes: 5e-6,
  s3Reads: 0.4e-6,
  s3Lists: 5e-6,
  /** c7g.large, on demand, an hour: EC2 On-Demand pricing */
  instanceHours: 0.0725,
} as const;

export type PriceLine = keyof typeof pricePerUnit;

/** Counts what is billed, and the peaks of quotas. */
export class Meter {
  readonly #units = new Map<PriceLine, number>();
  readonly #peaks = new Map<string, number>();

  bill(line: PriceLine, units: number): void {
    this.#units.set(line, this.units(line) + units);
  }

  units(line: PriceLine): number {
    return this.#units.get(line) ?? 0;
  }

  /** Notes a use of a quota; the highest is kept. */
  peak(quota: string, use: number): void {
    if (use > (this.#peaks.get(quota) ?? 0)) this.#peaks.set(quota, use);
  }

  get peaks(): ReadonlyMap<string, number> {
    return this.#peaks;
  }

  unitsByLine(): Partial<Record<PriceLine, number>> {
    return Object.fromEntries(this.#units);
  }

  /** Dollars by line, those that are not 0. */
  dollars(): Partial<Record<PriceLine, number>> {
    const lines = [...this.#units].filter(([, units]) => units > 0);
    return Object.fromEntries(lines.map(([line, units]) => [line, units * pricePerUnit[line]]));
  }
}
