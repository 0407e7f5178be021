import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a worker is asked to do, by name. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>;

interface Question {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** No answer takes longer than this: a benchmark that hangs has to say so. */
const ANSWER_MS = 180_000;

/** Another process of the benchmark. Ended by its own handle, never by name. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #asked = 0;
  #ended = false;

  private constructor(
    readonly name: string,
    child: ChildProcess,
  ) {
    this.#child = child;
    child.on('message', (answer: Answer) => this.#answered(answer));
    child.once('exit', (code, signal) => {
      this.#ended = true;
      for (const { reject } of this.#waiting.values())
        reject(new Error(`The process of ${name} ended (${signal ?? code})`));
      this.#waiting.clear();
    });
  }

  /**
   * Starts a module that calls {@link answer}.
   *
   * @param module its URL: `new URL('./some-worker.js', import.meta.url)`
   * @param execPath what runs it, with `execArgv` as its first arguments; default: this Node.js
   */
  static async start(
    name: string,
    module: URL,
    args: readonly string[] = [],
    execArgv: readonly string[] = [],
    execPath = process.execPath,
  ): Promise<Worker> {
    const profiles = process.env['BENCH_PROFILE'];
    const child = fork(fileURLToPath(module), args, {
      execPath,
      execArgv: [
        ...execArgv,
        ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]),
      ],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const worker = new Worker(name, child);
    try {
      await worker.ask('ready');
    } catch (error) {
      await worker.end();
      throw error;
    }
    return worker;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @param patienceMs how long the answer may take; default: 3 min */
  async ask<T>(command: string, argument?: unknown, patienceMs = ANSWER_MS): Promise<T> {
    if (this.#ended) throw new Error(`The process of ${this.name} has ended`);
    const id = ++this.#asked;
    const question: Question = { id, command, argument };
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send(question);
    const timer = setTimeout(
      () => this.#answered({ id, error: `no answer to "${command}" in ${patienceMs} ms` }),
      patienceMs,
    );
    try {
      return (await answer) as T;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Processor time so far, user and system, in microseconds. */
  cpu(): Promise<number> {
    return this.ask<number>('cpu');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kills the process and waits until it is gone. Where profiles are wanted, it is let go, and writes its own. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    if (process.env['BENCH_PROFILE'] === undefined) this.#child.kill('SIGKILL');
    else this.#child.disconnect();
    await gone;
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`${this.name}: ${error}`));
  }
}

/** In a worker: answers what it is asked, until its parent is gone. */
export function answer(commands: Commands): void {
  const all: Commands = {
    ready: () => true,
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    ...commands,
  };
  process.on('message', (question: Question) => void reply(all, question));
  process.once('disconnect', () => process.exit());
}

async function reply(commands: Commands, { id, command, argument }: Question): Promise<void> {
  let answer: Answer;
  try {
    const run = commands[command];
    if (run === undefined) throw new Error(`There is no command "${command}"`);
    answer = { id, value: await run(argument as never) };
  } catch (error) {
    answer = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send!(answer);
}
