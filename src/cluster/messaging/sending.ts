/** How a message travels: `TransportSendOptions`, all of them said. One shape for all, since there are many. */
export interface Sending {
  readonly kind: number;
  readonly meta: Uint8Array;
  readonly stream: number;
  readonly signal: AbortSignal | undefined;
  readonly correlation: number;
  readonly free: boolean;
}

/** @param correlation the id of the request that this is, or answers; 0: neither */
export function sendingOf(
  kind: number,
  meta: Uint8Array,
  stream: number,
  signal: AbortSignal | undefined,
  correlation = 0,
  free = false,
): Sending {
  return { kind, meta, stream, signal, correlation, free };
}
