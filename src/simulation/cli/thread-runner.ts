import { Worker } from 'node:worker_threads';
import type { ScenarioResult } from '../scenarios/scenario-result.js';
import { kindOf, type AnyScenario } from './any-scenario.js';
import { failed, type SeedOutcome, type SeedTask } from './run-seed.js';
import type { SeedRunner } from './seed-runner.js';

/** What a thread is told to run. */
export type WorkerTask = { readonly seed: SeedTask } | { readonly scenario: AnyScenario };

/** The words for what breaks no rule and is still no result. */
export const DID_NOT_END = 'did not end';
export const THREAD_FAILED = 'thread failed';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Failure {
  readonly word: typeof DID_NOT_END | typeof THREAD_FAILED;
  readonly message: string;
}

/**
 * Runs seeds in a thread of its own. One that takes too long, or that breaks its thread (no memory), counts as failed;
 * the thread is ended and the next seed gets a new one.
 *
 * @param timeoutMs real milliseconds for one seed
 * @param script what the thread runs; another one serves tests
 */
export function threadRunner(
  timeoutMs: number,
  script: URL = new URL('./seed-worker.js', import.meta.url),
): SeedRunner {
  const thread = new Thread(timeoutMs, script);
  return {
    run: async (task) => {
      const startedMs = performance.now();
      const outcome = await thread.ask<SeedOutcome>({ seed: task });
      if (!isFailure(outcome)) return outcome;
      const result = failed(task.seed, outcome.word, `Seed ${task.seed} ${outcome.message}`);
      return { kind: kindOf(task), result, realMs: performance.now() - startedMs };
    },
    play: async (scenario) => {
      const result = await thread.ask<ScenarioResult>({ scenario });
      return isFailure(result) ? failed(scenario.seed, result.word, result.message) : result;
    },
    close: () => thread.end(),
  };
}

/** A thread that is made anew when it was lost. */
class Thread {
  #worker: Worker | undefined;
  /** Who waits for what the thread says next. */
  #settle: ((answer: object) => void) | undefined;

  constructor(
    private readonly timeoutMs: number,
    private readonly script: URL,
  ) {}

  async ask<T extends object>(task: WorkerTask): Promise<T | Failure> {
    const worker = (this.#worker ??= this.#made());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = await new Promise<object>((resolve) => {
      this.#settle = resolve;
      timer = setTimeout(
        () => this.#fail(worker, DID_NOT_END, `did not end within ${this.timeoutMs / 1000} s of real time`),
        Math.min(this.timeoutMs, LONGEST_TIMER_MS),
      );
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(task);
    });
    clearTimeout(timer);
    if (isFailure(answer)) await this.end();
    return answer as T | Failure;
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #made(): Worker {
    const worker = new Worker(this.script);
    worker.on('message', (answer: object) => this.#settle?.(answer));
    worker.on('error', (error) =>
      this.#fail(worker, THREAD_FAILED, `has broken its thread: ${String(error)}`),
    );
    worker.on('exit', (code) =>
      this.#fail(worker, THREAD_FAILED, `has ended its thread with the code ${code}`),
    );
    return worker;
  }

  #fail(worker: Worker, word: Failure['word'], message: string): void {
    if (worker === this.#worker) this.#settle?.({ word, message } satisfies Failure);
  }
}

function isFailure(answer: object): answer is Failure {
  return 'word' in answer;
}
