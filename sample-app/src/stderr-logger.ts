import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { ClusterError } from 'clusterpack';

/** Nest's console logger with every level on stderr: stdout belongs to the ready line. */
export class StderrLogger extends ConsoleLogger {
  /** An error of the library that stops the start says what to do; `main.ts` prints it, and no stack adds to it. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (message instanceof ClusterError && rest.at(-1) === 'ExceptionHandler') return;
    super.error(message, ...rest);
  }

  protected override printMessages(
    messages: unknown[],
    context?: string,
    logLevel?: LogLevel,
    _stream?: 'stdout' | 'stderr',
    errorStack?: unknown,
    params?: Record<string, unknown>,
  ): void {
    super.printMessages(messages, context, logLevel, 'stderr', errorStack, params);
  }
}
