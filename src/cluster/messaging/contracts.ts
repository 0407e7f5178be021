/**
 * Types of your messages, by declaration merging. Known patterns are typed, others are `unknown`.
 *
 * ```ts
 * declare module 'clusterpack' {
 *   interface ClusterContracts {
 *     price: { data: { sku: string }; reply: { cents: number } };
 *   }
 * }
 * ```
 *
 * Any number of files may add to it, all under one module name: `clusterpack`, which holds for `clusterpack/core` as well,
 * or `clusterpack/core` in a program without Nest. With both names in one program, TypeScript loses one.
 *
 * @publicApi
 */
export interface ClusterContracts {}

/** The patterns that are typed, and any other string. @publicApi */
export type Pattern = keyof ClusterContracts | (string & {});

/** The data of a pattern; bytes without one, as `send` and `broadcast` carry them. @publicApi */
export type DataOf<P> = P extends undefined
  ? Uint8Array
  : P extends keyof ClusterContracts
    ? ClusterContracts[P] extends { data: infer D }
      ? D
      : unknown
    : unknown;

/** The reply to a pattern. @publicApi */
export type ReplyOf<P> = P extends keyof ClusterContracts
  ? ClusterContracts[P] extends { reply: infer R }
    ? R
    : unknown
  : unknown;
