import { asciiJson } from '../../shared/model/job.ts';
import { visible } from '../../shared/model/text.ts';
import type { AuditResult } from './audit-task.ts';
import type { Depth } from './context.ts';
import { findingKinds, type Finding, type FindingKind } from './finding.ts';

export interface ReportOptions {
  readonly task: string;
  readonly stack: string;
  readonly json: boolean;
  /** findings of one kind that are written out; all are counted. JSON has every finding */
  readonly limit: number;
  readonly depth: Depth;
  /** receives a line, without its line end */
  readonly write: (line: string) => void;
}

/** Kinds that the comparison of both buckets makes: their counts restart with it. */
const ofComparison = new Set<FindingKind>([
  ...(['missing', 'different', 'lost', 'overwritten', 'extra', 'extra-kept', 'failed'] as const),
  ...(['in-progress', 'stalled', 'unreadable', 'impossible', 'unproven', 'bare-marker'] as const),
]);

/** Writes each finding as it is made, and a summary at the end. Keys and reasons are escaped. */
export class Report {
  readonly #options: ReportOptions;
  readonly #counts = new Map<FindingKind, number>();

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  get differences(): number {
    return this.#sum('difference');
  }

  readonly found = (finding: Finding): void => {
    const { kind, key, seen } = finding;
    const { json, limit, write } = this.#options;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const { severity, meaning } = findingKinds[kind];
    const cure = this.#named(findingKinds[kind].cure);
    if (json) write(asciiJson({ kind, severity, ...(key !== undefined && { key }), seen, meaning, cure }));
    else if (count <= limit) {
      const object = key === undefined ? '' : ` ${visible(JSON.stringify(key))}`;
      write(`${severity === 'difference' ? 'DIFFERENCE' : 'info'} ${kind}${object}`);
      for (const line of [`seen:  ${seen}`, `means: ${meaning}`, `do:    ${cure}`]) write(`  ${visible(line)}`);
    } else if (count === limit + 1) write(`(more of kind ${kind}: only counted from here, --limit shows more)`);
  };

  /** The comparison restarts. */
  readonly restarted = (): void => {
    for (const kind of ofComparison) this.#counts.delete(kind);
  };

  /** Writes the summary. @param seconds that the audit took */
  end(audited: AuditResult, seconds: number): void {
    const { task, stack, json, depth, write } = this.#options;
    const [differences, information] = [this.differences, this.#sum('information')];
    const kinds = Object.fromEntries(this.#counts);
    const { compared, queue, failures, incomplete, uploads } = audited;
    if (json) {
      const parts = { compared, queue, failures, incomplete, uploads };
      write(asciiJson({ kind: 'summary', task, stack, depth, differences, information, kinds, ...parts, seconds }));
      return;
    }
    const { listed, listedAtDestination, same, excluded, kept, complete } = compared;
    write('');
    write(`task ${task}, stack ${stack}: ${differences} differences, ${information} informational findings`);
    for (const [kind, count] of this.#counts) write(`  ${kind}: ${count}`);
    write(
      `source ${listed} keys, destination ${listedAtDestination}: ${same} the same, ${excluded} excluded, ${kept} kept`,
    );
    if (!complete) write('the comparison of source and destination is NOT complete');
    const number = (count: number | undefined): string => (count === undefined ? 'unknown' : String(count));
    write(
      `ledger ${number(failures)} failures, ${number(incomplete)} copies that lack something; open uploads ${number(uploads)}; ` +
        `queue ${number(queue?.waiting)} waiting, ` +
        `${number(queue?.inFlight)} in flight, ${number(queue?.deadLetters)} dead letters of the task`,
    );
    write(differences === 0 ? 'No difference.' : 'There are differences.');
  }

  #named(cure: string): string {
    return cure.replaceAll('TASK', this.#options.task).replaceAll('STACK', this.#options.stack);
  }

  #sum(severity: 'difference' | 'information'): number {
    let sum = 0;
    for (const [kind, count] of this.#counts) if (findingKinds[kind].severity === severity) sum += count;
    return sum;
  }
}
