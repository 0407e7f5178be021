import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { InvalidOptionError } from '../../errors.js';

/**
 * Tries a file that is written when all is over, and leaves it as it was: what took hours is not lost to a wrong path.
 *
 * @param option which option named it, for errors
 * @param path undefined, or `-` for standard output: there is nothing to try
 * @throws InvalidOptionError when it cannot be written
 */
export function checkWritable(option: string, path: string | undefined): void {
  if (path === undefined || path === '-') return;
  const isNew = !existsSync(path);
  closeSync(openedFor(option, path, 'a'));
  if (isNew) rmSync(path);
}

/** @throws InvalidOptionError when it cannot be written */
export function openedFor(option: string, path: string, flags: 'a' | 'w'): number {
  try {
    return openSync(path, flags);
  } catch (cause) {
    const { message } = cause as Error;
    throw new InvalidOptionError(option, `is "${path}", which cannot be written: ${message}`, { cause });
  }
}
