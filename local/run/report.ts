import { quoted } from '../../shared/model/text.ts';
import { formatSize } from '../../shared/model/size.ts';
import type { Mismatch } from './verify.ts';

/** The result of the main job, printed as text or as JSON. */
export interface Report {
  readonly objects: number;
  readonly bytes: number;
  /** objects at or under the large-object threshold, and over it */
  readonly small: number;
  readonly large: number;
  /** keys that the first run listed at the source, and the jobs it sent */
  readonly listed: number;
  readonly jobs: number;
  /** objects that the first run wrote to the destination */
  readonly copied: number;
  /** executions of the UPLOAD machine that succeeded */
  readonly executions: number;
  /** messages in the dead-letter queue */
  readonly failed: number;
  readonly verified: number;
  readonly mismatched: number;
  readonly mismatches: readonly Mismatch[];
  /** bytes of bodies and parts that the destination received */
  readonly bytesSent: number;
  readonly secondRunJobs: number;
  /** from the put of a new object to its arrival over the event path; null if it did not arrive */
  readonly eventSeconds: number | null;
  readonly seconds: { readonly load: number; readonly sync: number; readonly verify: number };
}

/** Did every object arrive unchanged, and did a second run find nothing to do? */
export function isGood(report: Report): boolean {
  const { failed, mismatched, verified, objects, secondRunJobs, eventSeconds } = report;
  return failed === 0 && mismatched === 0 && verified === objects && secondRunJobs === 0 && eventSeconds !== null;
}

/** Mismatches in the summary; the JSON report has all of them. */
const maxShown = 20;

/** The report as lines of text. */
export function summary(report: Report): string[] {
  const { seconds, eventSeconds } = report;
  // The worker uploads large objects without an execution.
  const large = `${report.large} large${report.executions > 0 ? ` by ${report.executions} executions` : ''}`;
  const copySeconds = Math.max(seconds.sync, 0.001);
  const objectRate = (report.copied / copySeconds).toFixed(0);
  const byteRate = formatSize(Math.round(report.bytes / copySeconds));
  const event =
    eventSeconds === null ? 'the new object did not arrive' : `a new object arrived after ${eventSeconds.toFixed(2)} s`;
  const wrong = `${report.mismatched} missing or different`;
  const lines = [
    '',
    `objects   ${report.objects} (${formatSize(report.bytes)}): ${report.small} small, ${large}`,
    `copied    ${report.copied} in ${seconds.sync.toFixed(1)} s (${objectRate} objects/s, ${byteRate}/s)`,
    `verified  ${report.verified} by SHA-256 in ${seconds.verify.toFixed(1)} s, ${wrong}`,
    `event     ${event}`,
    `again     a second run had ${report.secondRunJobs} objects to send`,
    ...(report.failed > 0 ? [`failed    ${report.failed} messages are in the dead-letter queue`] : []),
    ...report.mismatches.slice(0, maxShown).map(({ key, found }) => `wrong     ${quoted(key)}: ${found}`),
    ...(report.mismatches.length > maxShown ? [`          and ${report.mismatches.length - maxShown} more`] : []),
    '',
    isGood(report) ? 'All objects arrived as they were.' : 'Something is missing or wrong.',
  ];
  return lines;
}
