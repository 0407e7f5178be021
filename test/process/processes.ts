import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PATIENCE_MS, until } from '../support/until.js';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export { PATIENCE_MS, until };

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that a test started, with all it has printed. */
export class TestProcess {
  stdout = '';
  stderr = '';
  exit: Exit | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // 'close' comes after the last output, 'exit' need not.
    child.once('close', (code, signal) => (this.exit = { code, signal }));
    child.once('error', (error) => (this.stderr += String(error)));
  }

  /** `node` with arguments, in an environment that shows nothing of this test run. */
  static node(args: readonly string[], environment: NodeJS.ProcessEnv = {}, cwd = ROOT): TestProcess {
    return new TestProcess(
      spawn(process.execPath, args, {
        cwd,
        env: { ...outsideOfTests(process.env), ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  /** A program with a channel for messages, in the same environment. `told` gets what it sends. */
  static connected([command, ...args]: readonly string[], told: (fact: unknown) => void): TestProcess {
    const child = spawn(command!, args, {
      cwd: ROOT,
      env: outsideOfTests(process.env),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.on('message', told);
    return new TestProcess(child);
  }

  /** Sends a message; one that cannot take it any more does not get it. */
  send(order: object): void {
    // It may end at any moment; whoever waits for an answer says that none came.
    if (this.child.connected) this.child.send(order, () => undefined);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Whether the process is still there; its output may last a little longer. */
  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits until it ends by itself. */
  ended(withinMs = PATIENCE_MS): Promise<Exit> {
    return until(`process ${this.pid} ends`, () => this.exit, { withinMs, report: () => this.output() });
  }

  /** Ends it, stopped or not, and waits for that. */
  async close(): Promise<void> {
    if (this.isRunning) this.kill('SIGKILL');
    await this.ended();
  }

  output(): string {
    return `--- stdout of ${this.pid} ---\n${this.stdout}\n--- stderr of ${this.pid} ---\n${this.stderr}`;
  }
}

/** Jest marks its workers, and the library stays alone where it sees such a mark. */
function outsideOfTests(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { JEST_WORKER_ID: _jest, VITEST_WORKER_ID: _vitest, NODE_ENV: _env, ...rest } = environment;
  return rest;
}
