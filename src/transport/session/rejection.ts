import {
  MemberDrainingError,
  NoReceiverError,
  PayloadTooLargeError,
  type ClusterError,
} from '../../errors.js';
import type { RejectFrame } from './frame.js';
import type { OutgoingMessage } from './message.js';

/** What the sender of a message is told when its recipient refuses it. */
export function rejection({ reason, limitBytes }: RejectFrame, message: OutgoingMessage): ClusterError {
  switch (reason) {
    case 'draining':
      return new MemberDrainingError('The recipient is shutting down');
    case 'too-large':
      return new PayloadTooLargeError(message.totalBytes, limitBytes, 'limits.payloadBytes');
    case 'no-receiver':
      return new NoReceiverError('The recipient has neither a reader nor a handler for this message');
  }
}
