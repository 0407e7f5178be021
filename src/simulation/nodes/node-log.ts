import type { ClusterLogger } from '../../logger.js';

/** Lines that are kept of one node. */
const MAX_LINES = 1000;

/** What a node has logged, the newest lines, over all its processes. */
export class NodeLog implements ClusterLogger {
  readonly #lines: string[] = [];

  constructor(
    private readonly nowMs: () => number,
    private readonly written?: ((line: string) => void) | undefined,
  ) {}

  get lines(): readonly string[] {
    return this.#lines;
  }

  debug(line: string): void {
    this.#write('debug', line);
  }

  log(line: string): void {
    this.#write('log', line);
  }

  warn(line: string): void {
    this.#write('warn', line);
  }

  error(line: string, cause?: unknown): void {
    this.#write('error', cause instanceof Error ? `${line}: ${cause.name}: ${cause.message}` : line);
  }

  #write(level: string, line: string): void {
    if (this.#lines.length >= 2 * MAX_LINES) this.#lines.splice(0, MAX_LINES);
    this.#lines.push(`${level} ${line}`);
    this.written?.(`${this.nowMs().toFixed(3)} ${level} ${line}`);
  }
}
