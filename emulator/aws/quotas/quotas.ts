import type { Account } from '../account.ts';
import { systemClock, type QuotaClock } from './clock.ts';
import { Concurrency } from './concurrency.ts';
import { ExecutionQuotas } from './executions.ts';
import { Flight } from './flight.ts';
import { KeyRanges } from './key-ranges.ts';
import { MappingScale } from './mapping-scale.ts';
import { PrefixRates } from './prefixes.ts';
import { RequestRates } from './requests.ts';
import type { QuotaValues } from './table.ts';
import { Usage, type QuotaUse } from './usage.ts';

/** The quotas of one account, which everything in it shares. */
export class Quotas {
  readonly values: QuotaValues;
  readonly concurrency: Concurrency;
  readonly requests: RequestRates;
  readonly executions: ExecutionQuotas;
  readonly prefixes: PrefixRates;
  readonly flight: Flight;
  readonly clock: QuotaClock;
  readonly #usage: Usage;

  /** @param values see `quotaValues` and `parseQuotas` */
  constructor(values: QuotaValues, clock: QuotaClock = systemClock) {
    this.values = values;
    this.clock = clock;
    this.#usage = new Usage(clock);
    this.concurrency = new Concurrency(values, clock, this.#usage);
    this.requests = new RequestRates(values, clock, this.#usage);
    this.executions = new ExecutionQuotas(values, clock, this.#usage);
    this.prefixes = new PrefixRates(values, clock, this.#usage);
    this.flight = new Flight(values, clock, this.#usage);
  }

  keyRanges(account: Account): KeyRanges {
    return new KeyRanges(this.values, this.clock, this.#usage, account);
  }

  mappingScale(maximumConcurrency: number): MappingScale {
    return new MappingScale(this.values, maximumConcurrency, this.clock);
  }

  /** How far each quota has been used so far. */
  report(): QuotaUse[] {
    return this.#usage.report();
  }
}
