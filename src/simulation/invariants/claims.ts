import type { SwimMessage, Update } from '../../membership/swim/messages.js';

const NOTHING: readonly Update[] = [];

/** The updates that a message carries. */
export function updatesOf(message: SwimMessage): readonly Update[] {
  return message.type === 'ping' || message.type === 'ack' || message.type === 'gossip'
    ? message.updates
    : NOTHING;
}
