import { closeSync, openSync, writeSync } from 'node:fs';
import { InvalidOptionError } from '../../errors.js';
import type { CliIo } from './cli-io.js';

/** Where a trace goes. */
export interface TraceTarget {
  /** Undefined when nobody wants it. */
  readonly write: ((line: string) => void) | undefined;
  close(): void;
}

/** Lines written at once: a long trace has millions. */
const LINES_AT_ONCE = 1000;

/** Opens standard output (`-`) or a file for a trace. */
export function openTrace(target: string | undefined, io: CliIo): TraceTarget {
  if (target === undefined) return { write: undefined, close: () => {} };
  if (target === '-') return { write: (line) => io.out(`${line}\n`), close: () => {} };
  const file = openFile(target);
  let lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) writeSync(file, `${lines.join('\n')}\n`);
    lines = [];
  };
  return {
    write: (line) => {
      if (lines.push(line) >= LINES_AT_ONCE) flush();
    },
    close: () => {
      flush();
      closeSync(file);
    },
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new InvalidOptionError(
      '--trace',
      `is "${path}", which cannot be written: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
