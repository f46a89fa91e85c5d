import { quoted } from '../../shared/model/text.ts';
import { formatSize } from '../../shared/model/size.ts';
import { steps, type Step, type StepTime } from './times.ts';
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
  /** what each step took */
  readonly times: Readonly<Record<Step, StepTime>>;
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
  const { times, eventSeconds } = report;
  // The worker uploads large objects without an execution.
  const large = `${report.large} large${report.executions > 0 ? ` by ${report.executions} executions` : ''}`;
  const copySeconds = Math.max(times.sync.seconds, 0.001);
  const objectRate = (report.copied / copySeconds).toFixed(0);
  const byteRate = formatSize(Math.round(report.bytes / copySeconds));
  const event =
    eventSeconds === null ? 'the new object did not arrive' : `a new object arrived after ${eventSeconds.toFixed(2)} s`;
  const wrong = `${report.mismatched} missing or different`;
  const lines = [
    '',
    `copied    ${objectRate} objects/s, ${byteRate}/s: ${report.copied} in ${copySeconds.toFixed(1)} s`,
    `objects   ${report.objects} (${formatSize(report.bytes)}): ${report.small} small, ${large}`,
    `verified  ${report.verified} by SHA-256 in ${times.verify.seconds.toFixed(1)} s, ${wrong}`,
    `event     ${event}`,
    `again     a second run had ${report.secondRunJobs} objects to send`,
    ...timeLines(report),
    ...(report.failed > 0 ? [`failed    ${report.failed} messages are in the dead-letter queue`] : []),
    ...report.mismatches.slice(0, maxShown).map(({ key, found }) => `wrong     ${quoted(key)}: ${found}`),
    ...(report.mismatches.length > maxShown ? [`          and ${report.mismatches.length - maxShown} more`] : []),
    '',
    isGood(report) ? 'All objects arrived as they were.' : 'Something is missing or wrong.',
  ];
  return lines;
}

/** How the steps are named. */
const stepNames: Readonly<Record<Step, string>> = {
  prepare: 'bundles',
  load: 'load',
  deploy: 'deploy',
  sync: 'run',
  verify: 'verify',
  event: 'event',
  again: 'second run',
};

/** Where the time went: by the clock, and the CPU's of the run. */
function timeLines({ times, copied }: Report): string[] {
  const whole = steps.reduce((sum, step) => sum + times[step].seconds, 0);
  const shares = steps.map((step) => `${stepNames[step]} ${times[step].seconds.toFixed(1)}`);
  const { cpuSeconds, servicesCpuSeconds } = times.sync;
  const each = (seconds: number): string => ((seconds * 1000) / Math.max(1, copied)).toFixed(1);
  return [
    `time      ${whole.toFixed(0)} s: ${shares.join(', ')}`,
    `CPU       ${each(cpuSeconds)} ms an object in the run: ${each(servicesCpuSeconds)} store and services, ` +
      `${each(cpuSeconds - servicesCpuSeconds)} functions`,
  ];
}
