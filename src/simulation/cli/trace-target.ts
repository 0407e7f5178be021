import { closeSync, writeSync } from 'node:fs';
import type { CliIo } from './cli-io.js';
import { openedFor } from './writable.js';

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
  const file = openedFor('--trace', target, 'w');
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
