import { DeliveryUncertainError, NotDeliveredError, type ClusterError } from '../../errors.js';

/** What a sender is told of a message that was given up: whether it may have arrived. */
export type Certainty = (why: string, cause?: unknown) => ClusterError;

export const notDelivered: Certainty = (why, cause) =>
  new NotDeliveredError(`${why}; the message was not delivered`, because(cause));

export const perhapsReceived: Certainty = (why, cause) =>
  new DeliveryUncertainError(`${why}; the message may have been received`, because(cause));

const because = (cause: unknown): ErrorOptions | undefined => (cause === undefined ? undefined : { cause });
