/** Where a node is in its life; it never goes back. @publicApi */
export type NodeStatus = 'created' | 'bound' | 'joining' | 'ready' | 'draining' | 'left' | 'closed';

/** Options of `whenReady`. @publicApi */
export interface ReadyOptions {
  /** Gives up waiting: the promise rejects at once. */
  readonly signal?: AbortSignal | undefined;
  /** Rejects with `NotReadyError` after this many milliseconds. Default: waits for ever. */
  readonly timeoutMs?: number | undefined;
  /** Members that have to be there, this node included. Default: 1. */
  readonly members?: number | undefined;
}
