import {
  ClusterError,
  DeliveryUncertainError,
  NoHandlerError,
  NoReceiverError,
  RemoteError,
  SerializationError,
  clip,
} from '../../errors.js';

/** Errors that callers of `send`, `emit` and `request` get, made from what is known. */

/** Where nobody takes a request, it has no handler. */
export function unheard(pattern: string, error: ClusterError): ClusterError {
  return error instanceof NoReceiverError ? new NoHandlerError(pattern) : error;
}

export function aborted(pattern: string, signal: AbortSignal): ClusterError {
  return new DeliveryUncertainError(`The request "${clip(pattern)}" was aborted; it may be handled`, {
    cause: signal.reason,
  });
}

/** Errors of a user's own transport or serializer are wrapped, so that an outcome always has a code. */
export function asClusterError(error: unknown): ClusterError {
  if (error instanceof ClusterError) return error;
  return new DeliveryUncertainError('Sending failed in an unknown way', { cause: error });
}

/** What a failing handler's node tells: `[code, message, response, correlation id]`, each part checked. */
export function remoteError(pattern: string, value: unknown): ClusterError {
  const [code, message, response, correlationId] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof code !== 'string' || typeof message !== 'string') {
    return new SerializationError(`The answer to "${clip(pattern)}" is not readable`);
  }
  return new RemoteError(
    message,
    code,
    response,
    typeof correlationId === 'string' ? correlationId : undefined,
  );
}
