/** What a scenario must show, and what it showed. */
export interface Finding {
  readonly what: string;
  readonly must: string;
  readonly found: string;
  readonly isMet: boolean;
}

/** The outcome of one run of the simulation. */
export interface Report {
  readonly scenario: string;
  /** what is particular to this run, such as the side that fails */
  readonly variant: string;
  readonly objects: number;
  readonly done: number;
  /** messages that the queue dropped */
  readonly lost: number;
  /** by the name of the fault */
  readonly deadLetters: Readonly<Record<string, number>>;
  /** from the beginning until nothing is left to do */
  readonly seconds: number;
  /** the least time that physics and quotas allow */
  readonly boundSeconds: number;
  /** how that was computed */
  readonly bound: string;
  readonly findings: readonly Finding[];
  /** billed units by line */
  readonly units: Readonly<Record<string, number>>;
  readonly dollars: Readonly<Record<string, number>>;
  readonly peaks: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

export interface RunOptions {
  readonly seed: number;
}

export interface Scenario {
  /** the argument of `npm run simulate` */
  readonly name: string;
  /** the row of the table in docs/scale.md */
  readonly title: string;
  readonly run: (options: RunOptions) => Promise<readonly Report[]>;
}

/** A finding about a time that has a bound. */
export function within(
  what: string,
  seconds: number,
  limit: { readonly seconds: number; readonly text: string },
): Finding {
  return { what, must: `at most ${limit.text}`, found: duration(seconds), isMet: seconds <= limit.seconds };
}

/** A finding about a number that must be 0. */
export function none(what: string, count: number): Finding {
  return { what, must: '0', found: String(Math.round(count)), isMet: count === 0 };
}

/** Seconds for people: `85 s`, `12.3 min`, `4.56 h`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(2)} h`;
}
