import { fork, type ChildProcess } from 'node:child_process';
import { defaultMetricsNamespace, workerService } from '../shared/model/metrics.ts';
import { logger } from '../shared/observing/tally.ts';
import type { WorkerEnvironment } from './environment.ts';
import { isProcessHealth, reportIntervalMillis, silentProcesses, writeHealth, type ProcessHealth } from './health.ts';
import { Notices } from './notice.ts';

/** The pause before an ended process is replaced. It doubles while processes live for less than `stableLifeMillis`. */
const firstPauseMillis = 500;
const maxPauseMillis = 30_000;
const stableLifeMillis = 60_000;

interface Member {
  readonly child: ChildProcess;
  readonly startedAt: number;
  heardAt: number;
  health: ProcessHealth | undefined;
}

/** The primary process: keeps the other processes running, and ends them in order. It moves no objects itself. */
export class Primary {
  readonly #environment: WorkerEnvironment;
  readonly #script: string;
  readonly #members = new Map<number, Member>();
  readonly #allEnded = Promise.withResolvers<undefined>();
  #draining = false;
  #pauseMillis = firstPauseMillis;

  /** @param script the script that each process runs, with the argument `process` */
  constructor(environment: WorkerEnvironment, script: string) {
    this.#environment = environment;
    this.#script = script;
  }

  /** @returns the exit code, after a signal and the end of all processes */
  async run(): Promise<number> {
    logger.appendKeys({ pid: process.pid });
    const signalled = new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.on(signal, () => {
          this.#drain(signal);
          resolve();
        });
      }
    });
    const { PROCESSES, METADATA_URL, NOTICE_SECONDS } = this.#environment;
    logger.info('started', { processes: PROCESSES });
    for (let started = 0; started < PROCESSES; started++) this.#start();
    const noticeTimer = METADATA_URL === 'none' ? undefined : this.#watchNotices(METADATA_URL, NOTICE_SECONDS * 1000);
    const healthTimer = setInterval(() => this.#supervise(), reportIntervalMillis);
    await this.#allEnded.promise;
    clearInterval(noticeTimer);
    this.#supervise();
    // EC2 terminates the instance after a notice. If the primary exited now, systemd would restart it.
    await signalled;
    clearInterval(healthTimer);
    this.#supervise();
    return 0;
  }

  #start(): void {
    const child = fork(this.#script, ['process'], {
      env: {
        POWERTOOLS_SERVICE_NAME: workerService,
        POWERTOOLS_METRICS_NAMESPACE: defaultMetricsNamespace,
        ...process.env,
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const now = Date.now();
    const member: Member = { child, startedAt: now, heardAt: now, health: undefined };
    const { pid = -1 } = child;
    this.#members.set(pid, member);
    child.on('message', (message) => {
      if (!isProcessHealth(message)) return;
      member.heardAt = Date.now();
      member.health = message;
    });
    child.on('error', (error) => logger.error('a process cannot be started', { reason: error.message }));
    child.once('exit', (code, signal) => this.#ended(pid, member, code, signal));
  }

  #ended(pid: number, member: Member, code: number | null, signal: NodeJS.Signals | null): void {
    this.#members.delete(pid);
    if (this.#draining) {
      if (this.#members.size === 0) this.#allEnded.resolve(undefined);
      return;
    }
    logger.error('a process ended and is replaced', { ended: pid, code, signal });
    this.#pauseMillis =
      Date.now() - member.startedAt > stableLifeMillis
        ? firstPauseMillis
        : Math.min(maxPauseMillis, this.#pauseMillis * 2);
    setTimeout(() => {
      if (!this.#draining) this.#start();
    }, this.#pauseMillis);
  }

  #drain(why: string): void {
    if (this.#draining) return;
    this.#draining = true;
    logger.info('draining', { why });
    for (const { child } of this.#members.values()) child.kill('SIGTERM');
    if (this.#members.size === 0) this.#allEnded.resolve(undefined);
  }

  #watchNotices(url: string, intervalMillis: number): NodeJS.Timeout {
    const notices = new Notices(url);
    let isAnswering = true;
    const check = async (): Promise<void> => {
      try {
        const notice = await notices.check();
        isAnswering = true;
        if (notice !== undefined) this.#drain(notice);
      } catch (error) {
        // Logged once until the service answers again.
        if (isAnswering) logger.warn('no instance metadata', { reason: error instanceof Error ? error.message : '?' });
        isAnswering = false;
      }
    };
    void check();
    return setInterval(() => void check(), intervalMillis);
  }

  /** Kills processes that hang, and writes the health file. */
  #supervise(): void {
    const now = Date.now();
    for (const pid of silentProcesses(new Map([...this.#members].map(([pid, { heardAt }]) => [pid, heardAt])), now)) {
      logger.error('a process hangs and is killed', { hangs: pid });
      this.#members.get(pid)?.child.kill('SIGKILL');
    }
    const { HEALTH_FILE } = this.#environment;
    if (HEALTH_FILE === 'none') return;
    const processes = [...this.#members.values()].flatMap(({ health, heardAt }) =>
      health ? [{ ...health, reportedAt: heardAt }] : [],
    );
    const state = !this.#draining ? 'working' : this.#members.size > 0 ? 'draining' : 'drained';
    try {
      writeHealth(HEALTH_FILE, { pid: process.pid, state, at: now, processes });
    } catch (error) {
      logger.warn('the health file cannot be written', { reason: error instanceof Error ? error.message : '?' });
    }
  }
}
