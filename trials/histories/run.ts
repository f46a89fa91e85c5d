import { runHistory } from './history.ts';
import { twinNames } from './twins.ts';

/** What several histories came to. */
export interface HistoriesResult {
  readonly histories: number;
  readonly calls: number;
  /** processes that were killed */
  readonly killed: number;
  /** messages that ended in the dead-letter queue while calls failed */
  readonly buried: number;
  /** calls that outages and quotas refused */
  readonly outages: number;
  /** writes that took effect late, after their callers had given them up */
  readonly landed: number;
  /** such writes that the store refused */
  readonly refused: number;
  /** such writes that conditions cannot prevent, and that were left out */
  readonly omitted: number;
  /** histories in which each store was the source, or the destination; the fewest of any store */
  readonly leastPerStore: { readonly source: number; readonly destination: number };
  /** a line for each history with a violation: its seed, its world and the violations */
  readonly failures: readonly string[];
}

/** Histories with violations after which no more are run. */
const maxFailures = 5;

/**
 * Runs histories one after the other, with consecutive seeds.
 * @param report receives a line for each event
 */
export async function runHistories(
  { count, seed: first }: { readonly count: number; readonly seed: number },
  report?: (line: string) => void,
): Promise<HistoriesResult> {
  const failures: string[] = [];
  let [histories, calls, killed, buried] = [0, 0, 0, 0];
  let [landed, refused, omitted, outages] = [0, 0, 0, 0];
  const [sources, destinations] = [new Map<string, number>(), new Map<string, number>()];
  for (let seed = first; seed < first + count && failures.length < maxFailures; seed++) {
    const history = await runHistory(seed, report);
    histories++;
    calls += history.calls;
    addOne(sources, history.traits.source);
    addOne(destinations, history.traits.destination);
    killed += history.killed;
    buried += history.buried;
    outages += history.refused;
    landed += history.late.landed;
    refused += history.late.refused;
    omitted += history.late.omitted;
    if (history.violations.length > 0) {
      failures.push(`seed ${seed} ${JSON.stringify(history.traits)}: ${history.violations.join('; ')}`);
    }
  }
  const leastPerStore = { source: least(sources), destination: least(destinations) };
  return { histories, calls, killed, buried, outages, landed, refused, omitted, leastPerStore, failures };
}

function addOne(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function least(counts: ReadonlyMap<string, number>): number {
  return Math.min(...twinNames.map((name) => counts.get(name) ?? 0));
}
