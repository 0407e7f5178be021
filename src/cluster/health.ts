import { InvalidOptionError } from '../errors.js';
import { HEALTHS, MAX_HEALTH_REASON_BYTES, utf8Bytes } from '../membership/health.js';
import type { MemberHealth } from '../membership/membership.js';
import { show } from './option-errors.js';

/** @throws InvalidOptionError for another health, a reason that is no text, or one that is over its limit */
export function checkHealth(health: unknown, reason: unknown): asserts health is MemberHealth {
  if (!HEALTHS.includes(health as MemberHealth)) {
    throw new InvalidOptionError('health', `is ${show(health)}, but must be "ok", "degraded" or "draining"`);
  }
  if (reason === undefined) return;
  if (typeof reason !== 'string') {
    throw new InvalidOptionError('reason', `is ${show(reason)}, but must be a text, or left out`);
  }
  const sizeBytes = utf8Bytes(reason);
  if (sizeBytes <= MAX_HEALTH_REASON_BYTES) return;
  throw new InvalidOptionError(
    'reason',
    `has ${sizeBytes} bytes in UTF-8, but may have ${MAX_HEALTH_REASON_BYTES}, since every member keeps it: shorten it, and write the rest to the log`,
  );
}
