import type { Address } from '../address.js';

/**
 * Finds addresses at which other nodes may be. What it gives are hints: they may be dead, be this node itself,
 * or come more than once.
 *
 * Asked when the node joins, again with growing pauses while the node is alone, and at a low rate afterwards.
 * To write your own, implement this one method.
 *
 * @publicApi
 */
export interface Discovery {
  /** Shown in logs: `static`, `loopback`, `dns` … */
  readonly name: string;

  /**
   * Whether what it finds is on this machine only; asks the node to listen on loopback. Default: false.
   */
  readonly loopbackOnly?: boolean | undefined;

  /**
   * Ports of the loopback range that a node without an explicit port takes the first free of; undefined if this
   * discovery does not care where the node listens.
   */
  readonly portRange?: { readonly first: number; readonly last: number } | undefined;

  /**
   * The addresses to try, in order of preference. An empty list means that there is nobody to join.
   *
   * @throws DiscoveryError (or anything) when it could not be found out this time; it is asked again
   */
  discoverNodes(options: { readonly signal: AbortSignal }): Promise<readonly Address[]>;

  /** Frees what it holds. Called once, when the node closes. */
  close?(): Promise<void> | void;
}
