import { randomBytes } from 'node:crypto';

/** Joins an error to the log of the node that had it. Follows the injected randomness where there is one, so that runs repeat. */
export function correlationId(random: (() => number) | undefined): string {
  if (random === undefined) return randomBytes(6).toString('hex');
  return Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
}
